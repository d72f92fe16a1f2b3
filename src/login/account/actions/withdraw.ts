import type { FormFields } from "../../../http/page-form.ts";
import { UUID } from "../../../protocol/id-grammar.ts";
import { withdrawConsent } from "../../../resources/consent/changes.ts";
import type { AccountVisit } from "../visit.ts";
import type { AccountAction } from "./action.ts";

/** The person takes back what an application was let have: its tokens of the person are dead, and it asks again (rule 13). */
export const withdraw: AccountAction = {
  name: "withdraw",
  needsRecent: true,
  act: async (visit, fields) => {
    await endAll(visit, fields);
    return { kind: "done", notice: "accessWithdrawn" };
  },
};

/** The person ends what an application has that never asked: its tokens are dead in the same way, until the person signs in to it again. */
export const endAccess: AccountAction = {
  name: "end_access",
  needsRecent: true,
  act: async (visit, fields) => {
    await endAll(visit, fields);
    return { kind: "done", notice: "accessEnded" };
  },
};

async function endAll(visit: AccountVisit, fields: FormFields): Promise<void> {
  const { services, realm, session, http, now } = visit;
  const applicationId = fields.get("application_id") ?? "";
  if (!UUID.test(applicationId)) return;
  const key = { ...realm, applicationId, identityId: session.identityId };
  const { clock, database } = services.deps;
  const when = { at: now, atMs: clock.nowMs(), traceId: http.traceId };
  services.liveTokens.remove(await withdrawConsent(database, key, when));
}
