import type { HttpRequest } from "../http/route.ts";
import type { ApplicationContext } from "../protocol/client-metadata.ts";
import { checkCustomClaimsAllowed, parseCustomClaims } from "../protocol/custom-claims.ts";
import { parseExpirationTime } from "../protocol/expiration-time.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { type RequestParameters, refuseInQuery } from "../protocol/parameters.ts";
import { parseVerifier } from "../protocol/pkce.ts";
import { parseMaxUses, parseNotBefore } from "../protocol/use-bounds.ts";
import type { CurrentApplication } from "../resources/application/queries.ts";
import { readForm } from "./form.ts";
import type { Grant, TokenRequest } from "./grants/grant.ts";
import { GRANTS } from "./grants/index.ts";
import { readScope } from "./read-scope.ts";
import type { Services } from "./services.ts";
import { tenantNow } from "./tenant-now.ts";

const TOKEN_NAME_LENGTH_MAX = 64;
/** Refused where they repeat and the grant does not let them (RFC 6749 §3.2). */
const REPEATABLE = GRANTS.flatMap(({ repeatable = [] }) => repeatable);
/** What bounds a token: in the query string it would be ignored silently. */
const BOUNDS = ["expiration_time", "max_uses", "not_before"];

/**
 * The form of a token request, or of its preview.
 *
 * @throws OAuthError
 */
export function readTokenForm(request: HttpRequest): RequestParameters {
  const parameters = readForm(request, { repeatable: REPEATABLE });
  for (const bound of BOUNDS) refuseInQuery(request.queryString, bound);
  return parameters;
}

/**
 * The grant that a form asks for, where the application may use it.
 *
 * @throws OAuthError
 */
export function chooseGrant(parameters: RequestParameters, context: ApplicationContext): Grant {
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

/**
 * What a form asks for, of an application as it is configured; the client has been authenticated.
 *
 * @throws OAuthError
 */
export function parseTokenRequest(
  services: Services,
  request: HttpRequest,
  asked: { readonly current: CurrentApplication; readonly parameters: RequestParameters },
): TokenRequest {
  const { parameters, current } = asked;
  const { context, live } = current;
  const { client } = context;
  const rawClaims = parameters.values.get("custom_claims");
  checkCustomClaimsAllowed(rawClaims, client.customClaims);
  const now = tenantNow(services, live);
  return {
    services,
    context,
    basis: current,
    parameters,
    traceId: request.traceId,
    now,
    expirationTime: parseExpirationTime(parameters.values.get("expiration_time")),
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
