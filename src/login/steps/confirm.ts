import { confirmAuthorizationRequest } from "../../resources/authorization-request/queries.ts";
import { forgetPerson } from "../forget-person.ts";
import { readPersonName } from "../person-name.ts";
import { recordLogin, type Visit } from "../visit.ts";
import { confirmPage } from "./confirm-page.ts";
import type { LoginStep, StepResult } from "./step.ts";
import { whenAllowed } from "./when-allowed.ts";

/**
 * The person is known from the browser's session and is asked: whether it is to be this account, or, where any program may have sent the
 * browser here, whether anybody is there (rule 36).
 */
export const confirm: LoginStep = {
  methods: undefined,
  states: ["confirm"],
  actions: ["continue", "other_account"],
  show: async (visit) => confirmPage(visit, await readPersonName(visit)),
  submit: async (visit, fields) => {
    const { stored } = visit;
    switch (fields.get("action")) {
      case "continue":
        return goOn(visit);
      case "other_account":
        return { kind: "moved", stored: (await forgetPerson(visit)) ?? stored };
      default:
        return { kind: "moved", stored };
    }
  },
};

async function goOn(visit: Visit): Promise<StepResult> {
  const { stored, now } = visit;
  return whenAllowed(visit, async (facts) => {
    const db = visit.services.deps.database.tenants([stored.tenantId]);
    const confirmed = await confirmAuthorizationRequest(db, stored, now);
    if (confirmed !== undefined) recordLogin(visit, "confirmed", { identity_id: stored.identityId, ...facts });
    return { kind: "moved", stored: confirmed ?? stored };
  });
}
