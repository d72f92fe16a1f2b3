import { meetsAnyAcr, reachableAcrs } from "../protocol/acr.ts";
import type { ApplicationContext } from "../protocol/client-metadata.ts";
import type { GivenConsent } from "../protocol/consent.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { credentialTypeOf, type SessionVerdict } from "../protocol/policy.ts";
import { isNativeRedirectUri } from "../protocol/redirect-uri.ts";
import { decideLogin, type LoginWish, type OpenSession, refuseInteraction } from "../protocol/session.ts";
import { subjectKey } from "../protocol/subject.ts";
import type { AuthenticationMethod } from "../protocol/webauthn/passkey-methods.ts";
import type { AuthorizeParameters, LoginStart } from "../resources/authorization-request/schema.ts";
import { findIdentity } from "../resources/identity/queries.ts";
import { judgeSessionByPolicy } from "../resources/judge-by-policy.ts";
import { judgeConsent } from "../resources/judge-consent.ts";
import type { Session } from "../resources/session/queries.ts";
import { type BrowserAt, findOpenSession } from "./browser-session.ts";
import { decideSubject, subjectPlaceOf } from "./decide-subject.ts";
import type { Services } from "./services.ts";

/** An authorization request that has been accepted, at the browser that sent it. */
export interface LoginBeginning extends BrowserAt {
  readonly parameters: AuthorizeParameters;
  readonly requestId: string;
  /** how its application may be logged in to; undefined: in no way */
  readonly loginMethods: readonly AuthenticationMethod[] | undefined;
}

/**
 * Where a login begins: over already where the browser's session is enough, at a question to the person, or at the first page.
 *
 * @throws OAuthError of OIDC Core §3.1.2.6 where the person would have to be asked and `prompt=none` forbids it
 */
export async function beginLogin(services: Services, at: LoginBeginning): Promise<LoginStart> {
  const { application, parameters, loginMethods = [] } = at;
  const wish: LoginWish = {
    prompts: parameters.prompts,
    maxAgeSeconds: parameters.maxAgeSeconds,
    isNative: isNativeRedirectUri(parameters.redirectUri),
    methodAcrs: reachableAcrs(loginMethods),
    requestedAcrs: parameters.claims.acrValues,
    acrIsEssential: parameters.claims.acrIsEssential,
  };
  const session = await findOpenSession(services, at);
  const known = session && (await describe(services, application.context, { session, parameters }));
  const need = decideLogin(wish, known?.open, application.now);
  refuseInteraction(wish, need);
  if (session === undefined || known === undefined || need === "login") return { state: "email" };
  const { authTime, amr, acr, identityId, key } = session;
  const authentication = { authTime, amr, acr, sessionId: key.sessionId };
  const person = { identityId, authentication, consent: known.consent };
  // The page that asks for consent says who is signed in, and lets it be somebody else.
  const question = known.open.asksConsent ? "consent" : "confirm";
  switch (await judgeUse(services, at, { session, wish })) {
    case "LOGIN":
      return { state: "email" };
    case "DENY":
      return { state: question, person }; // where another account can be chosen; who goes on is judged again
    case "ALLOW":
      return { state: need === "nothing" ? "verified" : question, person };
  }
}

/**
 * Whether the policy of the realm lets the person of a session in to this application: the session may have come about for another one,
 * by another credential or from another place.
 *
 * @throws OAuthError where the client forbids to ask: `login_required` if another login would do, or else `access_denied`
 */
async function judgeUse(
  services: Services,
  { application, request, requestId }: LoginBeginning,
  { session, wish }: { readonly session: Session; readonly wish: LoginWish },
): Promise<SessionVerdict> {
  const { tenantId, realmId, applicationId } = application.context.key;
  const { action, facts } = await judgeSessionByPolicy(services, {
    realm: { tenantId, realmId },
    type: "authentication",
    applicationId,
    identityId: session.identityId,
    credentialType: credentialTypeOf(session.acr),
    loginTypes: endingAcrs(wish).map(credentialTypeOf),
    http: request,
    requestId,
  });
  if (action === "ALLOW") return action;
  if (action === "LOGIN") refuseInteraction(wish, "login");
  else if (wish.prompts.includes("none")) {
    const options = { facts: { identity_id: session.identityId, ...facts } };
    throw new OAuthError("access_denied", "the policy of the realm denies it", options);
  }
  return action;
}

/** The classes that another login for this request could end in. */
function endingAcrs({ methodAcrs, requestedAcrs, acrIsEssential }: LoginWish): readonly string[] {
  return acrIsEssential ? methodAcrs.filter((acr) => meetsAnyAcr(acr, requestedAcrs)) : methodAcrs;
}

/** The person of a session, as far as this request is concerned. */
interface KnownHere {
  readonly open: OpenSession;
  /** what was agreed to before and covers the request */
  readonly consent: GivenConsent | undefined;
}

async function describe(
  services: Services,
  context: ApplicationContext,
  asked: { readonly session: Session; readonly parameters: AuthorizeParameters },
): Promise<KnownHere> {
  const { session, parameters } = asked;
  const { hintedSubject, loginHint } = parameters;
  const db = services.deps.database.tenants([session.key.tenantId]);
  const { need, given } = await judgeConsent(db, context, { identityId: session.identityId, parameters });
  const open = {
    authTime: session.authTime,
    acr: session.acr,
    isHinted:
      hintedSubject === undefined ? undefined : (await findSubject(services, context, session)) === hintedSubject,
    hasHintedAddress: loginHint === undefined ? undefined : session.emailKey === subjectKey(loginHint),
    asksConsent: need === "ask",
  };
  return { open, consent: given };
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
    return await decideSubject(subjectPlaceOf(services, context.key.tenantId), context, identity);
  } catch (error) {
    if (error instanceof OAuthError) return undefined;
    throw error;
  }
}
