import { type HttpRequest, headerOf, jsonReply, type Route } from "../http/route.ts";
import type { ApplicationContext } from "../protocol/client-metadata.ts";
import { checkCustomClaimsAllowed, parseCustomClaims } from "../protocol/custom-claims.ts";
import { parseExpirationTime } from "../protocol/expiration-time.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { type RequestParameters, refuseInQuery } from "../protocol/parameters.ts";
import { parseVerifier } from "../protocol/pkce.ts";
import { parseScope } from "../protocol/scope.ts";
import { presentedClient, verifyClient } from "./client-authentication/index.ts";
import { findApplication, unknownApplication } from "./find-application.ts";
import { type CurrentApplication, readCurrentApplication } from "./find-live-application.ts";
import { readForm } from "./form.ts";
import type { Grant, ReuseFound, TokenRequest } from "./grants/grant.ts";
import { GRANTS } from "./grants/index.ts";
import { issueTokens, type TokenResponse, toGrantType } from "./issue.ts";
import { recordRefusals } from "./record-refusals.ts";
import type { Services } from "./services.ts";

// Eight siblings may win before everybody else is refused (rule 3): the loser of each round reads and decides anew.
const ROUNDS_MAX = 32;
const TOKEN_NAME_LENGTH_MAX = 64;

/** POST $APP/token (RFC 6749 section 3.2). */
export function tokenRoutes(services: Services): readonly Route[] {
  return [
    {
      name: "token",
      method: "POST",
      path: "/v1/tenants/:tenant/realms/:realm/applications/:application/token",
      kind: "auth",
      handle: recordRefusals(services, "token", async (request) => {
        const response = await grantTokens(services, request);
        return jsonReply(200, response, { pragma: "no-cache" });
      }),
    },
  ];
}

/** The phases of every token request, in the order of rule 5; the grants supply only what is their own. */
async function grantTokens(services: Services, request: HttpRequest): Promise<TokenResponse> {
  const known = await findApplication(services, request);
  const parameters = readForm(request);
  refuseInQuery(request.queryString, "expiration_time");
  const { context, live } = await authenticate(services, request, { context: known, parameters });
  const grant = chooseGrant(parameters, context);
  const parsed = parseTokenRequest(services, request, { context, live, parameters });
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const decided = await grant.authorize(parsed);
    if (decided.outcome === "reuse") throw await endFamily(parsed, decided);
    const response = await issueTokens(parsed, decided, toGrantType(grant.grantType));
    if (response !== undefined) return response;
  }
  throw new OAuthError("temporarily_unavailable", "too many requests use this code or refresh token at once", {
    retryAfterSeconds: 1,
  });
}

async function authenticate(
  services: Services,
  request: HttpRequest,
  known: { readonly context: ApplicationContext; readonly parameters: RequestParameters },
): Promise<CurrentApplication> {
  const { parameters } = known;
  const presented = presentedClient({ authorization: headerOf(request, "authorization"), parameters });
  const current = await readCurrentApplication(services, known.context.key);
  if (current === undefined) throw unknownApplication();
  const { context, live } = current;
  // Reference 1.5: a public client's refresh token is bound to it, so that it need not name itself.
  const mayOmit =
    parameters.values.get("grant_type") === "refresh_token" && context.client.confidentiality === "public";
  if (presented === undefined && mayOmit) return current;
  verifyClient(presented, context.client, live);
  return current;
}

function chooseGrant(parameters: RequestParameters, context: ApplicationContext): Grant {
  const grantType = parameters.values.get("grant_type");
  if (grantType === undefined) throw new OAuthError("invalid_request", "grant_type is missing");
  const grant = GRANTS.find((candidate) => candidate.grantType === grantType);
  if (grant === undefined) throw new OAuthError("unsupported_grant_type", "grant_type is not supported");
  if (!grant.isAllowed(context.client)) {
    throw new OAuthError("unauthorized_client", `this application may not use the grant type ${grant.grantType}`);
  }
  return grant;
}

function parseTokenRequest(
  services: Services,
  request: HttpRequest,
  input: CurrentApplication & { readonly parameters: RequestParameters },
): TokenRequest {
  const { context, live, parameters } = input;
  const { client } = context;
  const rawClaims = parameters.values.get("custom_claims");
  checkCustomClaimsAllowed(rawClaims, client.customClaims);
  return {
    services,
    context,
    live,
    parameters,
    traceId: request.traceId,
    now: services.deps.clock.nowSeconds() + live.clockOffsetSeconds,
    expirationTime: readExpirationTime(services, parameters),
    customClaims: parseCustomClaims(rawClaims, client.customClaimsBytesMax)?.text,
    scope: parseScope(parameters.values.get("scope")),
    codeVerifier: parseVerifier(parameters.values.get("code_verifier")),
    tokenName: parseTokenName(parameters.values.get("token_name")),
  };
}

function readExpirationTime(services: Services, parameters: RequestParameters): number | undefined {
  const seconds = parseExpirationTime(parameters.values.get("expiration_time"));
  services.tokenMeter.requested(seconds);
  return seconds;
}

function parseTokenName(raw: string | undefined): string | undefined {
  if (raw === undefined) return undefined;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  if ([...raw].length > TOKEN_NAME_LENGTH_MAX || /[\u0000-\u001f\u007f]/.test(raw)) {
    throw new OAuthError(
      "invalid_request",
      `token_name must have at most ${TOKEN_NAME_LENGTH_MAX} characters and no control characters`,
    );
  }
  return raw;
}

/** Ends the family of a spent code or token that came back, together with the record of it (rules 13 and 24). */
async function endFamily(request: TokenRequest, reuse: ReuseFound): Promise<OAuthError> {
  const { deps, revoke } = request.services;
  await revoke({
    ...request.context.key,
    id: reuse.grant.id,
    at: request.now,
    atMs: deps.clock.nowMs(),
    reason: reuse.reason,
    traceId: request.traceId,
    kind: "token",
    outcome: "invalid_grant",
    facts: { detail: reuse.detail },
  });
  return new OAuthError("invalid_grant", reuse.detail, { facts: { recorded: true } });
}
