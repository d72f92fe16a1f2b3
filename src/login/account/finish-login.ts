import { clearLoginCookie } from "../../http/cookies.ts";
import { redirectReply } from "../../http/pages.ts";
import type { HttpReply } from "../../http/route.ts";
import { accountPathIn } from "../../resources/account-path.ts";
import {
  type AuthenticatedPerson,
  planAuthenticatedSession,
  sessionKeptUntilMs,
} from "../../resources/authenticated-session.ts";
import { completeAuthorizationRequest } from "../../resources/authorization-request/queries.ts";
import { completionPath, loginPath } from "../../resources/authorization-request/rules.ts";
import { findIdentity } from "../../resources/identity/queries.ts";
import { recordLogin, type Visit } from "../visit.ts";

/** Ends a login to the account page, once: the session of its person begins, and the page is shown, which says who that is. */
export async function finishAccountLogin(visit: Visit): Promise<HttpReply> {
  const { stored, context, http } = visit;
  if (http.method === "HEAD") return { status: 204 }; // a look changes nothing
  if (context.application !== undefined) return redirectReply(completionPath(stored));
  switch (stored.state) {
    case "verified":
      return leave(visit, await beginSession(visit));
    case "refused":
      await completeAuthorizationRequest(dbOf(visit), stored, visit.now);
      return leave(visit, []);
    default:
      return redirectReply(loginPath(stored));
  }
}

function leave({ services, stored }: Visit, setCookies: readonly string[]): HttpReply {
  const { publicUrl } = services.deps.config;
  const cleared = clearLoginCookie({ publicUrl, realmId: stored.realmId, requestId: stored.id });
  return redirectReply(accountPathIn(stored, stored.parameters.uiLocales[0]), [cleared, ...setCookies]);
}

/** The session's cookies; none where another request has ended the login, or its person may not log in any more. */
async function beginSession(visit: Visit): Promise<readonly string[]> {
  const person = await findPerson(visit);
  if (person === undefined) return [];
  const { services, stored, context, http, now } = visit;
  const { sessionPolicy } = context.realm;
  const browser = { request: http, realm: context.key, sessionPolicy, now, isOfBrowser: true };
  const plan = await planAuthenticatedSession(services.deps, browser, person);
  const keptUntilMs = sessionKeptUntilMs(services.deps, sessionPolicy, 0);
  const sessionId = await services.deps.database.transaction([stored.tenantId], async (db) => {
    const spent = await completeAuthorizationRequest(db, stored, now);
    return spent && plan.write(db, keptUntilMs);
  });
  if (sessionId === undefined) return [];
  recordLogin(visit, "account_opened", { identity_id: person.identityId, session_id: sessionId });
  return plan.cookies(sessionId);
}

async function findPerson(visit: Visit): Promise<AuthenticatedPerson | undefined> {
  const { tenantId, realmId, identityId, authentication } = visit.stored;
  if (identityId === undefined || authentication === undefined) throw new Error("nobody has logged in");
  const identity = await findIdentity(dbOf(visit), { tenantId, realmId, identityId });
  if (identity?.status === "active") return { identityId, authentication };
  await completeAuthorizationRequest(dbOf(visit), visit.stored, visit.now);
  recordLogin(visit, "refused", { cause: "the identity is suspended, or deleted", identity_id: identityId });
  return undefined;
}

function dbOf({ services, stored }: Visit) {
  return services.deps.database.tenants([stored.tenantId]);
}
