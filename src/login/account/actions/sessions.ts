import { clearSessionCookie } from "../../../http/session-cookie.ts";
import { endOtherSessions, endOwnSession } from "../../../resources/session/queries.ts";
import type { AccountVisit } from "../visit.ts";
import type { AccountAction } from "./action.ts";

const SESSION_ID = /^[A-Za-z0-9_-]{32}$/;

/** The person leaves this browser. It is allowed at any time: it gives nothing to whoever finds a browser left open. */
export const signOut: AccountAction = {
  name: "sign_out",
  needsRecent: false,
  act: async (visit) => {
    await end(visit, visit.session.key.sessionId);
    const { publicUrl } = visit.services.deps.config;
    const setCookies = [clearSessionCookie({ publicUrl, realmId: visit.realm.realmId })];
    return { kind: "done", notice: "signedOut", setCookies };
  },
};

/** The person is signed out in another browser: its grants without `offline_access` end, and its applications are told (rule 13). */
export const endSession: AccountAction = {
  name: "end_session",
  needsRecent: true,
  act: async (visit, fields) => {
    const sessionId = fields.get("session_id") ?? "";
    if (SESSION_ID.test(sessionId)) await end(visit, sessionId);
    return { kind: "done", notice: "sessionEnded" };
  },
};

/** The person is signed out everywhere but here. */
export const endOthers: AccountAction = {
  name: "end_others",
  needsRecent: true,
  act: async (visit) => {
    const count = await endOtherSessions(dbOf(visit), visit.session, { at: visit.now, reason: "logout" });
    if (count > 0) record(visit, { all_but: visit.session.key.sessionId, count });
    return { kind: "done", notice: "othersEnded" };
  },
};

async function end(visit: AccountVisit, sessionId: string): Promise<void> {
  const { session, now } = visit;
  const own = { key: { ...session.key, sessionId }, identityId: session.identityId };
  const isEnded = await endOwnSession(dbOf(visit), own, { at: now, reason: "logout" });
  if (isEnded) record(visit, { session_id: sessionId });
}

function record({ services, http, realm, session }: AccountVisit, facts: Readonly<Record<string, unknown>>): void {
  services.decisions.record({
    ...realm,
    applicationId: undefined,
    traceId: http.traceId,
    kind: "logout",
    outcome: "logged_out",
    facts: { identity_id: session.identityId, by: "account", ...facts },
  });
}

function dbOf({ services, realm }: AccountVisit) {
  return services.deps.database.tenants([realm.tenantId]);
}
