import { coversTerms, type GivenConsent } from "../protocol/consent.ts";
import type { LoginState } from "../resources/authorization-request/schema.ts";
import { judgeConsent } from "../resources/judge-consent.ts";
import type { Visit } from "./visit.ts";

/** Where a login goes on when its person has just been authenticated, and by what the person agreed to before. */
export interface AfterAuthentication {
  readonly next: LoginState;
  readonly consent?: GivenConsent | undefined;
}

/** Decides it: over, or at the question for consent. Every step that authenticates somebody asks here. */
export async function decideNext(visit: Visit, identityId: string): Promise<AfterAuthentication> {
  const db = visit.services.deps.database.tenants([visit.context.key.tenantId]);
  const { application } = visit.context;
  if (application === undefined) return { next: "verified" };
  const { parameters, earlierYes } = visit.stored;
  const { need, given, terms } = await judgeConsent(db, application, { identityId, parameters });
  if (need !== "ask") return { next: "verified", consent: given };
  const yes = earlierYes?.identityId === identityId ? earlierYes.consent : undefined;
  if (yes === undefined || terms === undefined || !coversTerms(yes, terms)) return { next: "consent" };
  const { maximumSeconds, renewalSeconds } = yes;
  return { next: "verified", consent: { ...yes, ...terms, maximumSeconds, renewalSeconds } };
}
