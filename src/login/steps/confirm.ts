import { credentialTypeOf } from "../../protocol/policy.ts";
import {
  confirmAuthorizationRequest,
  forgetAuthorizationRequestPerson,
} from "../../resources/authorization-request/queries.ts";
import { findIdentity } from "../../resources/identity/queries.ts";
import { judgeVisit } from "../policy.ts";
import { recordLogin, type Visit } from "../visit.ts";
import { confirmPage } from "./confirm-page.ts";
import { denyLogin } from "./deny.ts";
import type { LoginStep, StepResult } from "./step.ts";

/**
 * The person is known, from the browser's session or from the step before, and is asked: whether it is to be this account, whether the
 * application may have what it asks for, or, where any program may have sent the browser here, whether anybody is there (rule 36).
 */
export const confirm: LoginStep = {
  method: undefined,
  states: ["confirm"],
  show: async (visit) => confirmPage(visit, await findPerson(visit)),
  submit: async (visit, fields) => {
    const { stored, now } = visit;
    const db = visit.services.deps.database.tenants([stored.tenantId]);
    switch (fields.get("action")) {
      case "continue":
        return goOn(visit);
      case "other_account":
        return { kind: "moved", stored: (await forgetAuthorizationRequestPerson(db, stored, now)) ?? stored };
      default:
        return { kind: "moved", stored };
    }
  },
};

// A person takes time, and the policy is the one that holds now.
async function goOn(visit: Visit): Promise<StepResult> {
  const { stored, now } = visit;
  const { identityId, authentication } = stored;
  const credentialType = credentialTypeOf(authentication?.amr ?? []);
  const judged = await judgeVisit(visit, { type: "authentication", identityId, credentialType });
  if (judged.action === "DENY") return denyLogin(visit, { identity_id: identityId, ...judged.facts });
  const db = visit.services.deps.database.tenants([stored.tenantId]);
  const confirmed = await confirmAuthorizationRequest(db, stored, now);
  if (confirmed !== undefined) recordLogin(visit, "confirmed", { identity_id: identityId, ...judged.facts });
  return { kind: "moved", stored: confirmed ?? stored };
}

/** How the person is called on the page. */
async function findPerson({ stored, services }: Visit): Promise<string | undefined> {
  const { tenantId, realmId, identityId } = stored;
  if (identityId === undefined) throw new Error("a login that waits for a person's word knows no person");
  const identity = await findIdentity(services.deps.database.tenants([tenantId]), { tenantId, realmId, identityId });
  return identity?.traits.primary_email_address ?? identity?.displayName;
}
