import { type HttpReply, type HttpRequest, headerOf, type Route } from "../http/route.ts";
import type { ApplicationContext, ApplicationKey } from "../protocol/client-metadata.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { looksLikeRefreshToken } from "../protocol/opaque-token.ts";
import { parseForm, type RequestParameters } from "../protocol/parameters.ts";
import type { GrantFacts } from "../resources/grant/queries.ts";
import type { TokenFacts } from "../resources/token/queries.ts";
import { atIssuers } from "./at-issuer.ts";
import { type AuthenticatedClient, authenticateClient } from "./authenticate-client.ts";
import { authenticateScopedBearer, usesBearer } from "./bearer.ts";
import { presentedClient } from "./client-authentication/index.ts";
import { findApplication, unknownApplication } from "./find-application.ts";
import { findPresentedApplication } from "./find-client.ts";
import { readForm } from "./form.ts";
import { findPresentedRefreshToken, readPresentedToken } from "./presented-token.ts";
import { recordRefusals } from "./record-refusals.ts";
import type { Services } from "./services.ts";

/** POST revoke (RFC 7009). */
export function revokeRoutes(services: Services): readonly Route[] {
  return [
    ...atIssuers(services, {
      name: "revoke",
      method: "POST",
      path: "/revoke",
      kind: "auth",
      findApplication: findPresentedApplication(services),
      handle: recordRefusals(services, "revoke", (request) => handleRevoke(services, request)),
    }),
  ];
}

/** Who revokes: one application its own tokens, or the bearer of `tokens:delete` every application's of the realm. */
type Revoker = AuthenticatedClient | "realm";

async function handleRevoke(services: Services, request: HttpRequest): Promise<HttpReply> {
  const context = await findApplication(services, request);
  const parameters = readRevocation(request);
  const revoker = await authenticateRevoker(services, request, { key: context.key, parameters });
  const token = parameters.values.get("token");
  if (token === undefined) throw new OAuthError("invalid_request", "token is missing");
  const found = await findRevocable(services, context, { token, revoker });
  if (found !== undefined && (revoker === "realm" || found.applicationId === context.key.applicationId)) {
    const { clock } = services.deps;
    await services.revoke({
      ...context.key,
      applicationId: found.applicationId,
      id: found.id,
      at: clock.nowSeconds() + found.clockOffsetSeconds,
      atMs: clock.nowMs(),
      reason: "revoked",
      traceId: request.traceId,
      kind: "revoke",
      outcome: "revoked",
      facts: { by: revoker === "realm" ? "a bearer of tokens:delete" : "its client" },
    });
  }
  // RFC 7009 section 2.2: unknown, foreign and dead tokens are answered alike.
  return { status: 200, headers: { "cache-control": "no-store", pragma: "no-cache" } };
}

/** What a presented token leads to: an access token, or the family of a refresh token. */
async function findRevocable(
  services: Services,
  { key, tenant }: ApplicationContext,
  asked: { readonly token: string; readonly revoker: Revoker },
): Promise<TokenFacts | GrantFacts | undefined> {
  const { token: text, revoker } = asked;
  const client = revoker === "realm" ? undefined : revoker;
  if (looksLikeRefreshToken(text)) {
    await client?.confirm(false);
    // Any refresh token of a family ends it, a spent one too (rule 13).
    const presented = { text, refreshKeySealed: tenant.refreshKeySealed };
    return (await findPresentedRefreshToken(services, key, presented))?.grant;
  }
  const { facts, isBasisCurrent } = await readPresentedToken(services, key, { text, basis: client?.basis });
  await client?.confirm(isBasisCurrent);
  return facts;
}

// Reference 1.12: the documentation's own example labels its form as JSON. A form is a form, whatever its label (rule 38).
function readRevocation(request: HttpRequest): RequestParameters {
  const mediaType = (headerOf(request, "content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  if (mediaType !== "application/json") return readForm(request);
  const parameters = parseForm(request.bytes);
  if (!parameters.values.has("token")) {
    throw new OAuthError("invalid_request", "send the parameters as application/x-www-form-urlencoded", {
      status: 415,
    });
  }
  return parameters;
}

async function authenticateRevoker(
  services: Services,
  request: HttpRequest,
  input: { readonly key: ApplicationKey; readonly parameters: RequestParameters },
): Promise<Revoker> {
  const authorization = headerOf(request, "authorization");
  const { key, parameters } = input;
  if (usesBearer(authorization)) {
    await authenticateScopedBearer(services, { realm: key, authorization, parameters, scope: "tokens:delete" });
    return "realm";
  }
  const presented = presentedClient({ authorization, parameters });
  return authenticateClient(services, key, { presented, unknown: unknownApplication });
}
