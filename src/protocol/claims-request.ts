// The `claims` parameter (OIDC Core §5.5): claims asked for one by one, besides those of the scopes.

import { type ClaimScope, scopeOfClaim } from "./claims.ts";
import { isObject } from "./json-object.ts";
import { OAuthError } from "./oauth-error.ts";

const CLAIMS_LENGTH_MAX = 8_192;

/** What `claims` asked for, as far as this server knows it: what it does not know is ignored (§5.5). */
export interface ClaimsRequest {
  /** names of claims about the person */
  readonly idToken: readonly string[];
  readonly userinfo: readonly string[];
  /** values of `acr` in the client's order */
  readonly acrValues: readonly string[];
  /** whether the login has failed where none of them is met (§5.5.1.1) */
  readonly acrIsEssential: boolean;
  /** who it must be (§5.5.1) */
  readonly subject: string | undefined;
}

/** Nothing was asked for by name. */
export const NO_CLAIMS: ClaimsRequest = {
  idToken: [],
  userinfo: [],
  acrValues: [],
  acrIsEssential: false,
  subject: undefined,
};

/**
 * Reads the parameter.
 *
 * @throws OAuthError `invalid_request` for what is no JSON object of objects, or over 8,192 characters
 */
export function parseClaimsRequest(raw: string | undefined): ClaimsRequest {
  if (raw === undefined) return NO_CLAIMS;
  const whole = raw.length > CLAIMS_LENGTH_MAX ? undefined : parseObject(raw);
  if (whole === undefined) throw malformed();
  const idToken = membersOf(whole.id_token);
  const userinfo = membersOf(whole.userinfo);
  const acr = detailOf(idToken.acr);
  const subject = detailOf(idToken.sub).value ?? detailOf(userinfo.sub).value;
  return {
    idToken: Object.keys(idToken).filter(isKnown),
    userinfo: Object.keys(userinfo).filter(isKnown),
    acrValues: textsOf(acr.value === undefined ? acr.values : [acr.value]),
    acrIsEssential: acr.essential === true,
    subject: typeof subject === "string" ? subject : undefined,
  };
}

/** The scopes whose claims were asked for by name, for the page that says what a client wants. */
export function scopesOfClaims({
  idToken,
  userinfo,
}: Pick<ClaimsRequest, "idToken" | "userinfo">): readonly ClaimScope[] {
  return [...new Set([...idToken, ...userinfo].flatMap((name) => scopeOfClaim(name) ?? []))];
}

type Members = Readonly<Record<string, unknown>>;

function membersOf(value: unknown): Members {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw malformed();
  return value;
}

// null is the default: asked for, and not essential (§5.5.1).
function detailOf(value: unknown): Members {
  return isObject(value) ? value : {};
}

function isKnown(name: string): boolean {
  return scopeOfClaim(name) !== undefined;
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function parseObject(raw: string): Members | undefined {
  try {
    const value: unknown = JSON.parse(raw, (_, member: unknown) => demandStorable(member));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

// Rule 10: an escape in JSON brings what the edge refuses, and it would be stored.
function demandStorable(value: unknown): unknown {
  if (typeof value === "string" && (value.includes("\u0000") || !value.isWellFormed())) throw new SyntaxError();
  return value;
}

function malformed(): OAuthError {
  return new OAuthError("invalid_request", "claims must be a JSON object with the members userinfo and id_token");
}
