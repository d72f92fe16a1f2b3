import { type HttpRequest, headerOf, jsonReply, type Route } from "../http/route.ts";
import type { ApplicationContext } from "../protocol/client-metadata.ts";
import { checkCustomClaimsAllowed, parseCustomClaims } from "../protocol/custom-claims.ts";
import { parseExpirationTime } from "../protocol/expiration-time.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { type RequestParameters, refuseInQuery } from "../protocol/parameters.ts";
import { parseVerifier } from "../protocol/pkce.ts";
import { parseMaxUses, parseNotBefore } from "../protocol/use-bounds.ts";
import type { CurrentApplication } from "../resources/application/queries.ts";
import { atIssuers } from "./at-issuer.ts";
import { presentedClient, secretsOf, verifyClient } from "./client-authentication/index.ts";
import { toGrantType } from "./decide-issue.ts";
import { findKeptApplication, unknownApplication } from "./find-application.ts";
import { findPresentedApplication } from "./find-client.ts";
import { readCurrentApplication } from "./find-live-application.ts";
import { readForm } from "./form.ts";
import type { Grant, ReuseFound, TokenRequest } from "./grants/grant.ts";
import { GRANTS } from "./grants/index.ts";
import { issueTokens, type TokenResponse } from "./issue.ts";
import { readScope } from "./read-scope.ts";
import { recordRefusals } from "./record-refusals.ts";
import type { Services } from "./services.ts";

// Eight siblings may win before everybody else is refused (rule 3): the loser of each round reads and decides anew.
const ROUNDS_MAX = 32;
const TOKEN_NAME_LENGTH_MAX = 64;
/** Refused where they repeat and the grant does not let them (RFC 6749 §3.2). */
const REPEATABLE = GRANTS.flatMap(({ repeatable = [] }) => repeatable);
/** What bounds a token: in the query string it would be ignored silently. */
const BOUNDS = ["expiration_time", "max_uses", "not_before"];

/** POST token (RFC 6749 section 3.2). */
export function tokenRoutes(services: Services): readonly Route[] {
  return [
    ...atIssuers(services, {
      name: "token",
      method: "POST",
      path: "/token",
      kind: "auth",
      findApplication: findPresentedApplication(services),
      handle: recordRefusals(services, "token", async (request) => {
        const response = await grantTokens(services, request);
        return jsonReply(200, response, { pragma: "no-cache" });
      }),
    }),
  ];
}

/**
 * The phases of every token request, in the order of rule 5; the grants supply only what is their own. The first attempt stands on
 * the configuration that this node keeps: the statement that records the token says whether it still holds. Whoever lost by that,
 * or is about to be refused, is judged by what the database says at this moment.
 */
async function grantTokens(services: Services, request: HttpRequest): Promise<TokenResponse> {
  const kept = await findKeptApplication(services, request);
  const parameters = readForm(request, { repeatable: REPEATABLE });
  for (const bound of BOUNDS) refuseInQuery(request.queryString, bound);
  const countRequested = services.tokenMeter.request();
  let attempt: Attempt = { current: kept, isLive: false, parameters, countRequested };
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const outcome = await tryOnce(services, request, attempt);
    if (!(outcome instanceof OAuthError) && outcome !== undefined) return outcome;
    const current = await readCurrentApplication(services, kept.context.key);
    if (current === undefined) throw unknownApplication();
    if (outcome !== undefined && current.live.stamp === attempt.current.live.stamp) throw outcome;
    attempt = { ...attempt, current, isLive: true };
  }
  throw new OAuthError("temporarily_unavailable", "too many requests use this code or refresh token at once", {
    retryAfterSeconds: 1,
  });
}

interface Attempt {
  readonly current: CurrentApplication;
  /** whether `current` was read for this request */
  readonly isLive: boolean;
  readonly parameters: RequestParameters;
  readonly countRequested: (lifetimeSeconds: number | undefined) => void;
}

/** One attempt: the tokens, the refusal of kept configuration, or undefined when what it stood on has changed meanwhile. */
async function tryOnce(
  services: Services,
  request: HttpRequest,
  attempt: Attempt,
): Promise<TokenResponse | OAuthError | undefined> {
  try {
    authenticate(services, request, attempt);
    const grant = chooseGrant(attempt.parameters, attempt.current.context);
    const parsed = parseTokenRequest(services, request, attempt);
    const decided = await grant.authorize(parsed);
    if (decided.outcome === "authorized") return await issueTokens(parsed, decided, toGrantType(grant.grantType));
    // Ending a family is for those only who passed every check as it is now (rule 5).
    if (!attempt.isLive) return undefined;
    throw await endFamily(parsed, decided);
  } catch (error) {
    if (attempt.isLive || !(error instanceof OAuthError)) throw error;
    return error;
  }
}

function authenticate(services: Services, request: HttpRequest, { current, parameters }: Attempt): void {
  const { client } = current.context;
  const presented = presentedClient({ authorization: headerOf(request, "authorization"), parameters });
  // Reference 1.5: a public client's refresh token is bound to it, so that it need not name itself.
  const mayOmit = parameters.values.get("grant_type") === "refresh_token" && client.confidentiality === "public";
  if (presented === undefined && mayOmit) return;
  verifyClient(presented, client, secretsOf(services, current));
}

function chooseGrant(parameters: RequestParameters, context: ApplicationContext): Grant {
  const grantType = parameters.values.get("grant_type");
  if (grantType === undefined) throw new OAuthError("invalid_request", "grant_type is missing");
  const grant = GRANTS.find((candidate) => candidate.grantType === grantType);
  if (grant === undefined) throw new OAuthError("unsupported_grant_type", "grant_type is not supported");
  if (!grant.isAllowed(context.client)) {
    throw new OAuthError("unauthorized_client", `this application may not use the grant type ${grant.grantType}`);
  }
  refuseRepeats(parameters, grant);
  return grant;
}

function refuseRepeats({ lists }: RequestParameters, { repeatable = [] }: Grant): void {
  for (const [name, values] of lists) {
    if (values.length < 2 || repeatable.includes(name)) continue;
    throw new OAuthError("invalid_request", `${name} was sent more than once`);
  }
}

function parseTokenRequest(services: Services, request: HttpRequest, attempt: Attempt): TokenRequest {
  const { parameters, current } = attempt;
  const { context, live } = current;
  const { client } = context;
  const rawClaims = parameters.values.get("custom_claims");
  checkCustomClaimsAllowed(rawClaims, client.customClaims);
  const now = services.deps.clock.nowSeconds() + live.clockOffsetSeconds;
  return {
    services,
    context,
    basis: current,
    parameters,
    traceId: request.traceId,
    now,
    expirationTime: readExpirationTime(attempt),
    maxUses: parseMaxUses(parameters.values.get("max_uses")),
    notBefore: parseNotBefore(parameters.values.get("not_before"), {
      now,
      aheadSecondsMax: client.expiresAfterSeconds,
    }),
    customClaims: parseCustomClaims(rawClaims, client.customClaimsBytesMax)?.text,
    scope: readScope(context, parameters.values.get("scope")),
    codeVerifier: parseVerifier(parameters.values.get("code_verifier")),
    tokenName: parseTokenName(parameters.values.get("token_name")),
  };
}

function readExpirationTime({ parameters, countRequested }: Attempt): number | undefined {
  const seconds = parseExpirationTime(parameters.values.get("expiration_time"));
  countRequested(seconds);
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
