import { UUID } from "../../../protocol/id-grammar.ts";
import { withdrawConsent } from "../../../resources/consent/changes.ts";
import type { AccountAction } from "./action.ts";

/** The person takes back what an application was let have: its tokens of the person are dead, and it asks again (rule 13). */
export const withdraw: AccountAction = {
  name: "withdraw",
  needsRecent: true,
  act: async ({ services, realm, session, http, now }, fields) => {
    const applicationId = fields.get("application_id") ?? "";
    if (UUID.test(applicationId)) {
      const key = { ...realm, applicationId, identityId: session.identityId };
      const { clock, database } = services.deps;
      const when = { at: now, atMs: clock.nowMs(), traceId: http.traceId };
      services.liveTokens.remove(await withdrawConsent(database, key, when));
    }
    return { kind: "done", notice: "accessWithdrawn" };
  },
};
