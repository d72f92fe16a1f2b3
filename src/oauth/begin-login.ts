import type { ApplicationContext } from "../protocol/client-metadata.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { isNativeRedirectUri } from "../protocol/redirect-uri.ts";
import { decideLogin, type LoginWish, type OpenSession, refuseInteraction } from "../protocol/session.ts";
import { subjectKey } from "../protocol/subject.ts";
import type { AuthorizeParameters, LoginStart } from "../resources/authorization-request/schema.ts";
import { findIdentity } from "../resources/identity/queries.ts";
import type { Session } from "../resources/session/queries.ts";
import { type BrowserAt, findOpenSession } from "./browser-session.ts";
import { decideSubject } from "./decide-subject.ts";
import type { Services } from "./services.ts";

/**
 * Where a login begins: over already where the browser's session is enough, at a question to the person, or at the first page.
 *
 * @throws OAuthError of OIDC Core §3.1.2.6 where the person would have to be asked and `prompt=none` forbids it
 */
export async function beginLogin(
  services: Services,
  at: BrowserAt & { readonly parameters: AuthorizeParameters },
): Promise<LoginStart> {
  const { application, parameters } = at;
  const wish: LoginWish = {
    prompts: parameters.prompts,
    maxAgeSeconds: parameters.maxAgeSeconds,
    isNative: isNativeRedirectUri(parameters.redirectUri),
    asksConsent: application.context.client.consent === "always",
  };
  const session = await findOpenSession(services, at);
  const open = session && (await describe(services, application.context, { session, parameters }));
  const need = decideLogin(wish, open, application.now);
  refuseInteraction(wish, need);
  if (session === undefined || need === "login") return { state: "email" };
  const { authTime, amr, acr, identityId, key } = session;
  const person = { identityId, authentication: { authTime, amr, acr, sessionId: key.sessionId } };
  return { state: need === "nothing" ? "verified" : "confirm", person };
}

async function describe(
  services: Services,
  context: ApplicationContext,
  asked: { readonly session: Session; readonly parameters: AuthorizeParameters },
): Promise<OpenSession> {
  const { session, parameters } = asked;
  const { hintedSubject, loginHint } = parameters;
  return {
    authTime: session.authTime,
    isHinted:
      hintedSubject === undefined ? undefined : (await findSubject(services, context, session)) === hintedSubject,
    hasHintedAddress: loginHint === undefined ? undefined : session.emailKey === subjectKey(loginHint),
  };
}

/** The `sub` of the session's person for the application; undefined where that person can have none. */
async function findSubject(
  services: Services,
  context: ApplicationContext,
  { key, identityId }: Session,
): Promise<string | undefined> {
  const db = services.deps.database.tenants([key.tenantId]);
  const identity = await findIdentity(db, { tenantId: key.tenantId, realmId: key.realmId, identityId });
  if (identity === undefined) return undefined;
  try {
    return await decideSubject(services, context, identity);
  } catch (error) {
    if (error instanceof OAuthError) return undefined;
    throw error;
  }
}
