import { type HttpReply, type HttpRequest, headerOf, jsonReply, type Route } from "../http/route.ts";
import { type ClaimSet, userinfoClaims } from "../protocol/claims.ts";
import {
  type ApplicationContext,
  type ApplicationKey,
  issuerOf,
  type RealmKey,
  type SigningAlgorithm,
} from "../protocol/client-metadata.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { intersectLive, splitScope } from "../protocol/scope.ts";
import { findCauseOfDeath } from "../protocol/token-state.ts";
import { findCauseToRefuse } from "./accept-token.ts";
import { atIssuers } from "./at-issuer.ts";
import { readBearer } from "./bearer.ts";
import { findApplication } from "./find-application.ts";
import { readForm } from "./form.ts";
import { personOf } from "./person.ts";
import { findPresentedToken } from "./presented-token.ts";
import { recordRefusals } from "./record-refusals.ts";
import type { Services } from "./services.ts";
import { tenantNow } from "./tenant-now.ts";

/** GET and POST userinfo (OpenID Connect Core section 5.3). */
export function userinfoRoutes(services: Services): readonly Route[] {
  return (["GET", "POST"] as const).flatMap((method) =>
    atIssuers(services, {
      name: "userinfo",
      method,
      path: "/userinfo",
      kind: "auth",
      findApplication: (realm, request) => findTokensApplication(services, realm, request),
      handle: recordRefusals(services, "userinfo", (request) => handleUserinfo(services, request)),
    }),
  );
}

async function findTokensApplication(
  services: Services,
  realm: RealmKey,
  request: HttpRequest,
): Promise<ApplicationKey> {
  const token = await findPresentedToken(services, realm, readAccessToken(request));
  if (token === undefined) throw invalidToken();
  return token;
}

async function handleUserinfo(services: Services, request: HttpRequest): Promise<HttpReply> {
  const context = await findApplication(services, request);
  const token = await findPresentedToken(services, context.key, readAccessToken(request));
  // Rule 34: only access tokens whose issuer is this path.
  if (token === undefined || token.applicationId !== context.key.applicationId) throw invalidToken();
  const now = tenantNow(services, token);
  if (findCauseOfDeath(token, now) !== undefined) throw invalidToken();
  const { scope } = intersectLive(splitScope(token.scope), token.liveScopes);
  if (!scope.includes("openid") || token.grantId === undefined) {
    throw new OAuthError("insufficient_scope", "userinfo needs an access token with the scope openid");
  }
  const grant = await services.readGrant({ ...context.key, id: token.grantId });
  if (grant?.identity === undefined || (await findCauseToRefuse(services, token)) !== undefined) throw invalidToken();
  const names = grant.claims.userinfo;
  const claims = userinfoClaims(token.subject, personOf(grant.identity), { scope, names });
  const algorithm = context.client.userinfoAlgorithm;
  return algorithm === undefined ? jsonReply(200, claims) : sign(services, context, { algorithm, claims, now });
}

/** The answer as a JWT (OIDC Core §5.3.2), of a kind of its own: it must not pass for an ID token (rule 34). */
async function sign(
  services: Services,
  { key, client }: ApplicationContext,
  answer: { readonly algorithm: SigningAlgorithm; readonly claims: ClaimSet; readonly now: number },
): Promise<HttpReply> {
  const signer = await services.keys.signingKey(key, answer.algorithm, answer.now);
  const iss = issuerOf(services.deps.config.publicUrl, key, client.issuerMode);
  const body = await services.keys.signJwt(
    signer,
    { typ: "userinfo+jwt" },
    { ...answer.claims, iss, aud: client.clientId },
  );
  return { status: 200, headers: { "content-type": "application/jwt", "cache-control": "no-store" }, body };
}

// RFC 6750 section 2: the header, or the form of a POST; never the query.
function readAccessToken(request: HttpRequest): string {
  const authorization = headerOf(request, "authorization");
  const fromHeader = readBearer(authorization);
  const isForm = request.method === "POST" && request.bytes.length > 0;
  const fromBody = isForm ? readForm(request).values.get("access_token") : undefined;
  if (fromHeader !== undefined && fromBody !== undefined) {
    throw new OAuthError("invalid_request", "send the access token once, in the header or in the body");
  }
  const token = fromHeader ?? fromBody;
  if (token === undefined)
    throw new OAuthError("invalid_token", "an access token is needed", {
      facts: { noCredentials: authorization === undefined },
    });
  return token;
}

function invalidToken(): OAuthError {
  return new OAuthError("invalid_token", "the access token is not valid");
}
