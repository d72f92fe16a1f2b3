import { type HttpRequest, headerOf, jsonReply, type Route } from "../http/route.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import type { RequestParameters } from "../protocol/parameters.ts";
import type { CurrentApplication } from "../resources/application/queries.ts";
import { atIssuers } from "./at-issuer.ts";
import { presentedClient, secretsOf, verifyClient } from "./client-authentication/index.ts";
import { findKeptApplication, unknownApplication } from "./find-application.ts";
import { findPresentedApplication } from "./find-client.ts";
import { readCurrentApplication } from "./find-live-application.ts";
import type { ReuseFound, TokenRequest } from "./grants/grant.ts";
import { issueTokens, type TokenResponse } from "./issue.ts";
import { recordRefusals } from "./record-refusals.ts";
import type { Services } from "./services.ts";
import { chooseGrant, parseTokenRequest, readTokenForm } from "./token-request.ts";

// Eight siblings may win before everybody else is refused (rule 3): the loser of each round reads and decides anew.
const ROUNDS_MAX = 32;

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
  const parameters = readTokenForm(request);
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
    attempt.countRequested(parsed.expirationTime);
    const decided = await grant.authorize(parsed);
    if (decided.outcome === "authorized") return await issueTokens(parsed, decided, grant.grantType);
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
