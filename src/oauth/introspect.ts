import { type Caller, describeCaller } from "../http/caller.ts";
import { type HttpReply, type HttpRequest, headerOf, jsonReply, type Route } from "../http/route.ts";
import { accessTokenClaims, toGrantType } from "../protocol/access-token.ts";
import { issuerOf } from "../protocol/client-metadata.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { looksLikeRefreshToken } from "../protocol/opaque-token.ts";
import type { RequestParameters } from "../protocol/parameters.ts";
import { formatScope, intersectLive, splitScope } from "../protocol/scope.ts";
import type { RealmFacts } from "../resources/realm/queries.ts";
import type { TokenFacts } from "../resources/token/queries.ts";
import { findCauseOfInactivity, findCauseToRefuse } from "./accept-token.ts";
import { type AuthenticatedClient, authenticateClient } from "./authenticate-client.ts";
import { authenticateScopedBearer, usesBearer } from "./bearer.ts";
import { presentedClient } from "./client-authentication/index.ts";
import { parseClaims } from "./decide-issue.ts";
import { findApplication, unknownApplication } from "./find-application.ts";
import { findRealm } from "./find-realm.ts";
import { readForm } from "./form.ts";
import { asNamedClient, type NamedClient, unknownClient } from "./named-client.ts";
import {
  findPresentedRefreshToken,
  isLiveRefreshToken,
  type PresentedRefreshToken,
  readPresentedToken,
} from "./presented-token.ts";
import { recordRefusals } from "./record-refusals.ts";
import type { Services } from "./services.ts";
import { tenantNow } from "./tenant-now.ts";

/** POST $TR/introspect and its alias $APP/introspect (RFC 7662). */
export function introspectRoutes(services: Services): readonly Route[] {
  const paths = {
    introspect: "/v1/tenants/:tenant/realms/:realm/introspect",
    introspectAlias: "/v1/tenants/:tenant/realms/:realm/applications/:application/introspect",
  };
  return Object.entries(paths).map(([name, path]) => ({
    name,
    method: "POST",
    path,
    kind: "auth",
    handle: recordRefusals(services, "introspect", (request) => handleIntrospect(services, request)),
  }));
}

/** Who asks (rule 9): an application by its secret, or a bearer of `tokens:introspect`. */
type Introspector =
  | { readonly kind: "application"; readonly applicationId: string; readonly client: AuthenticatedClient }
  | { readonly kind: "bearer"; readonly caller: Caller };

/** What is asked: about which token, in which realm. */
interface Question {
  readonly request: HttpRequest;
  readonly realm: RealmFacts;
  readonly parameters: RequestParameters;
}

async function handleIntrospect(services: Services, request: HttpRequest): Promise<HttpReply> {
  if (request.parameters.application !== undefined) await findApplication(services, request);
  const realm = await findRealm(services, request);
  const question = { request, realm, parameters: readForm(request) };
  const authorization = headerOf(request, "authorization");
  if (!usesBearer(authorization)) return answerApplication(services, question);
  const bearer = { realm: realm.key, authorization, parameters: question.parameters, scope: "tokens:introspect" };
  return answer(services, question, { kind: "bearer", caller: await authenticateScopedBearer(services, bearer) });
}

async function answer(services: Services, question: Question, introspector: Introspector): Promise<HttpReply> {
  const { request, realm, parameters } = question;
  const token = parameters.values.get("token");
  if (token === undefined) throw new OAuthError("invalid_request", "token is missing");
  const described = looksLikeRefreshToken(token)
    ? await describeRefreshToken(services, realm, {
        token,
        introspector,
        hint: parameters.values.get("token_type_hint"),
      })
    : await describeAccessToken(services, realm, { token, introspector });
  if (typeof described !== "string") return jsonReply(200, described);
  const isApplication = introspector.kind === "application";
  services.decisions.record({
    ...realm.key,
    traceId: request.traceId,
    kind: "introspect",
    outcome: "inactive",
    applicationId: isApplication ? introspector.applicationId : introspector.caller.applicationId,
    facts: { cause: described, ...(isApplication ? {} : describeCaller(introspector.caller)) },
  });
  return jsonReply(200, { active: false });
}

/** Answers an application. */
function answerApplication(services: Services, question: Question): Promise<HttpReply> {
  const { request, realm, parameters } = question;
  const presented = presentedClient({ authorization: headerOf(request, "authorization"), parameters });
  return asNamedClient(services, realm.key, presented, (client) => answerAs(services, question, client));
}

async function answerAs(services: Services, question: Question, { key, presented }: NamedClient): Promise<HttpReply> {
  // Where the path names the application, it is the path that leads nowhere (rule 38).
  const isNamed = question.request.parameters.application === key.applicationId;
  const unknown = isNamed ? unknownApplication : unknownClient;
  const client = await authenticateClient(services, key, { presented, unknown });
  if (client.current.context.client.confidentiality === "public")
    throw new OAuthError("invalid_client", "a public client may not introspect");
  return answer(services, question, { kind: "application", applicationId: key.applicationId, client });
}

/** The claims of a live token that the introspector may see, or why the answer is inactive. */
async function describeAccessToken(
  services: Services,
  realm: RealmFacts,
  asked: { readonly token: string; readonly introspector: Introspector },
): Promise<object | string> {
  const { introspector } = asked;
  const basis = introspector.kind === "application" ? introspector.client.basis : undefined;
  const isTold = introspector.kind === "bearer";
  const presented = { text: asked.token, basis, withDecision: isTold };
  const { facts: token, isBasisCurrent } = await readPresentedToken(services, realm.key, presented);
  await confirm(introspector, isBasisCurrent);
  if (token === undefined) return "no recorded access token of this realm";
  if (!maySee(introspector, token)) return "the caller is neither its client nor an introspector of its audience";
  const mayLook = isTold || introspector.applicationId === token.applicationId;
  const cause = mayLook ? findCauseOfInactivity(services, token) : await findCauseToRefuse(services, token);
  if (cause !== undefined) return cause;
  const claims = accessTokenClaims({
    issuer: issuerOf(services.deps.config.publicUrl, token, token.issuerMode),
    subject: token.subject,
    audience: token.audience,
    clientId: token.clientId,
    tokenId: token.id,
    issuedAt: token.issuedAt,
    notBefore: token.notBefore,
    expiresAt: token.expiresAt,
    scope: intersectLive(splitScope(token.scope), token.liveScopes).scope,
    principal: token,
    targetRealm: token.targetRealm,
    grantType: toGrantType(token.grantType),
    sessionId: token.sessionId,
    transactionId: token.transactionId,
    customClaims: parseClaims(token.customClaims),
    actor: parseClaims(token.actor),
    pairwise: token.isPairwise,
  });
  return {
    active: true,
    ...claims,
    token_type: "Bearer",
    ...(token.username === undefined || token.isPairwise ? {} : { username: token.username }),
    ...describeBounds(token),
    ...(mayLook && token.usesLeft !== undefined ? { uses_left: token.usesLeft } : {}),
    ...(token.lifetimeRecord === undefined ? {} : { lifetime: token.lifetimeRecord }),
  };
}

// Rule 28: whoever asks sees that a token was shortened.
function describeBounds(token: TokenFacts): object {
  if (token.expiresAt === token.issuedExpiresAt) return {};
  return { issued_lifetime: token.issuedExpiresAt - token.notBefore };
}

async function confirm(introspector: Introspector, isBasisCurrent: boolean): Promise<void> {
  if (introspector.kind === "application") await introspector.client.confirm(isBasisCurrent);
}

// Rule 9: (a) its own client, (b) an introspector of a resource server in its audience, (c) the bearer of tokens:introspect.
function maySee(introspector: Introspector, token: TokenFacts): boolean {
  if (introspector.kind === "bearer") return true;
  const { applicationId } = introspector;
  return applicationId === token.applicationId || token.introspectors.includes(applicationId);
}

async function describeRefreshToken(
  services: Services,
  realm: RealmFacts,
  asked: { readonly token: string; readonly introspector: Introspector; readonly hint: string | undefined },
): Promise<object | string> {
  const { introspector } = asked;
  if (introspector.kind === "bearer" && asked.hint !== "refresh_token")
    return "a refresh token needs token_type_hint=refresh_token";
  await confirm(introspector, false);
  const presented = await findPresentedRefreshToken(services, realm.key, {
    text: asked.token,
    refreshKeySealed: realm.refreshKeySealed,
  });
  if (presented === undefined) return "no refresh token of this realm";
  if (introspector.kind === "application" && introspector.applicationId !== presented.grant.applicationId)
    return "the caller is not its client";
  const now = tenantNow(services, presented.grant);
  if (!isLiveRefreshToken(presented, now)) return "the refresh token is spent, revoked or expired";
  return refreshClaims(services, presented);
}

function refreshClaims(services: Services, presented: PresentedRefreshToken): object {
  const { grant } = presented;
  const path = `tenants/${grant.tenantId}/realms/${grant.realmId}`;
  return {
    active: true,
    iss: issuerOf(services.deps.config.publicUrl, grant, grant.issuerMode),
    sub: grant.subject,
    client_id: grant.clientId,
    scope: formatScope(intersectLive(splitScope(grant.scope), liveScopesOf(grant)).scope),
    exp: grant.refreshExpiresAt,
    iat: grant.refreshIssuedAt,
    jti: grant.id,
    token_type: "refresh_token",
    azp: `${path}/applications/${grant.applicationId}`,
    ...(grant.isPairwise ? {} : { bi_p: `${path}/identities/${grant.identityId}` }),
    bi_t: grant.tenantId,
    bi_r: grant.realmId,
  };
}

function liveScopesOf(grant: PresentedRefreshToken["grant"]): readonly string[] | undefined {
  return grant.resourceServerId === undefined ? undefined : grant.roleScopes;
}
