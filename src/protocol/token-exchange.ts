// Token exchange (RFC 8693, rule 16) as values: what is asked for, for whom the new token is, and who acts with it.

import type { TokenFormat } from "./client-metadata.ts";
import { splitJwt } from "./compact-jwt.ts";
import { isObject } from "./json-object.ts";
import { OAuthError } from "./oauth-error.ts";
import type { RequestParameters } from "./parameters.ts";
import { intersectLive, narrowScope, type ScopeVerdict } from "./scope.ts";

/** The grant type (RFC 8693 §2.1). */
export const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
/** What an access token of any format is called (RFC 8693 §3). */
export const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const JWT = "urn:ietf:params:oauth:token-type:jwt";
/** What a token may be called here, on its way in and out (RFC 8693 §3). */
export const TOKEN_TYPES: readonly string[] = [ACCESS_TOKEN, JWT];
/** Parameters that may repeat (RFC 8693 §2.1). */
export const TARGET_PARAMETERS: readonly string[] = ["audience", "resource"];

/** Most actors that a token names, one within the other. */
export const ACTORS_MAX = 4;
/** Most ancestors of a token, its grant among them (settled 3). */
export const ANCESTORS_MAX = 8;

/** What an exchange asks for, apart from what every token request may ask for. */
export interface ExchangeRequest extends ExchangeTarget {
  readonly subjectToken: string;
  readonly actorToken: string | undefined;
}

/** What an exchange is to give. */
export interface ExchangeTarget {
  /** of the new token */
  readonly issuedTokenType: string;
  /** for whom it is to be; none: for all for whom the subject token is */
  readonly targets: readonly string[];
}

/**
 * Reads the parameters of RFC 8693 §2.1.
 * @param format of the tokens that the application gets
 * @throws OAuthError `invalid_request`
 */
export function readExchange(
  { values, lists }: Pick<RequestParameters, "values" | "lists">,
  format: TokenFormat,
): ExchangeRequest {
  const subjectToken = readToken(values, "subject_token");
  if (subjectToken === undefined) throw new OAuthError("invalid_request", "subject_token is missing");
  return {
    subjectToken,
    actorToken: readToken(values, "actor_token"),
    ...readTarget({ values, lists }, format),
  };
}

/**
 * What an exchange is to give, of the same parameters.
 * @throws OAuthError `invalid_request`
 */
export function readTarget(
  { values, lists }: Pick<RequestParameters, "values" | "lists">,
  format: TokenFormat,
): ExchangeTarget {
  return {
    issuedTokenType: readRequestedType(values.get("requested_token_type"), format),
    targets: TARGET_PARAMETERS.flatMap((name) => lists.get(name) ?? []),
  };
}

function readToken(values: RequestParameters["values"], name: "subject_token" | "actor_token"): string | undefined {
  const [token, type] = [values.get(name), values.get(`${name}_type`)];
  if (token === undefined && type === undefined) return undefined;
  if (token === undefined) throw new OAuthError("invalid_request", `${name}_type was sent without ${name}`);
  if (type === undefined || !TOKEN_TYPES.includes(type)) {
    throw new OAuthError("invalid_request", `${name}_type must be ${TOKEN_TYPES.join(" or ")}`);
  }
  if (type === JWT && splitJwt(token) === undefined) throw new OAuthError("invalid_request", `${name} is not a JWT`);
  return token;
}

// RFC 8693 §2.2.1: neither a refresh token nor an ID token is ever made of an access token (rule 16).
function readRequestedType(type: string | undefined, format: TokenFormat): string {
  if (type === undefined || type === ACCESS_TOKEN) return ACCESS_TOKEN;
  if (type === JWT && format === "self_contained") return JWT;
  const detail =
    type === JWT
      ? "this application's tokens are no JWTs: its token_format is referential"
      : `requested_token_type must be ${TOKEN_TYPES.join(" or ")}`;
  throw new OAuthError("invalid_request", detail);
}

/**
 * For whom the new token is: those of the subject token's audience that are named, all where none is.
 * @throws OAuthError `invalid_target` for anybody else (RFC 8693 §2.2.2)
 */
export function narrowAudience(audience: readonly string[], targets: readonly string[]): readonly string[] {
  const named = new Set(targets);
  if (named.size === 0) return audience;
  if (targets.some((target) => !audience.includes(target))) {
    throw new OAuthError("invalid_target", "audience or resource names somebody whom the subject_token is not for");
  }
  return audience.filter((one) => named.has(one));
}

/**
 * What of the subject token's scope the new token has: the part that is named, less what the subject token has lost since.
 * @param subject `liveScopes` as `intersectLive` takes them; `isForServer`: whether the new token is for its resource server still, whose
 *   scopes go where that goes
 * @throws OAuthError `invalid_scope` if anything else is named
 */
export function narrowExchangedScope(
  requested: readonly string[] | undefined,
  subject: {
    readonly scope: readonly string[];
    readonly liveScopes: readonly string[] | undefined;
    readonly isForServer: boolean;
  },
): ScopeVerdict {
  const granted = subject.isForServer ? subject.scope : intersectLive(subject.scope, []).scope;
  const narrowed = narrowScope({ requested, granted });
  const live = intersectLive(narrowed.scope, subject.liveScopes);
  return { scope: live.scope, dropped: [...live.dropped, ...narrowed.dropped] };
}

/** Who acts: a subject through a client (RFC 8693 §4.1). */
export interface Actor {
  readonly sub: string;
  readonly client_id: string;
}

/**
 * The `act` claim of a new token: who acts now, around those who acted before (RFC 8693 §4.1).
 * @param actor undefined where the subject token's own client goes on with it
 * @throws OAuthError `invalid_request` for one actor more than `ACTORS_MAX`
 */
export function nestActor(
  actor: Actor | undefined,
  before: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, unknown>> | undefined {
  if (actor === undefined) return before;
  if (countActors(before) >= ACTORS_MAX) {
    throw new OAuthError("invalid_request", `subject_token names ${ACTORS_MAX} actors already, which is the most`);
  }
  return { ...actor, ...(before === undefined ? {} : { act: before }) };
}

function countActors(act: unknown): number {
  return isObject(act) ? 1 + countActors(act.act) : 0;
}

/**
 * Whether a token's claims let somebody act with it. A `may_act` among its custom claims (RFC 8693 §4.4) narrows what the configuration
 * allows and never widens it: whoever writes custom claims is no administrator (rule 21). One that is not understood lets nobody.
 */
export function letsAct(customClaims: Readonly<Record<string, unknown>> | undefined, actor: Actor): boolean {
  if (customClaims === undefined || !Object.hasOwn(customClaims, "may_act")) return true;
  const named = customClaims.may_act;
  if (!isObject(named) || Object.keys(named).length === 0) return false;
  return Object.entries(named).every(
    ([member, value]) => (member === "sub" || member === "client_id") && value === actor[member],
  );
}
