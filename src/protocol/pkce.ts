// Proof Key for Code Exchange: RFC 7636, RFC 9700 §2.1.1 and rule 6.

import { equalBytes, sha256 } from "../platform/hash.ts";
import type { Confidentiality, PkceSetting } from "./client-metadata.ts";
import { OAuthError } from "./oauth-error.ts";

export type PkceMethod = "S256" | "plain";

/** What a code is bound to. */
export interface PkceChallenge {
  readonly value: string;
  readonly method: PkceMethod;
}

const VERIFIER_GRAMMAR = /^[A-Za-z0-9._~-]{43,128}$/; // RFC 7636 §4.1
const S256_GRAMMAR = /^[A-Za-z0-9_-]{43}$/; // RFC 7636 §4.2: base64url of 32 bytes

// Rule 6: who accepts `plain` accepts S256 too, and "disabled" does not mean that a challenge is ignored.
const METHODS: Readonly<Record<PkceSetting, readonly PkceMethod[]>> = {
  disabled: ["S256"],
  plain: ["plain", "S256"],
  s256: ["S256"],
};

/**
 * Reads `code_challenge` and `code_challenge_method` of an authorization request.
 * @returns what the code is to be bound to; undefined where none was sent and none is needed
 * @throws OAuthError `invalid_request` for a challenge that is missing, malformed or of a method that the application refuses
 */
export function parseChallenge(request: {
  readonly challenge: string | undefined;
  readonly method: string | undefined;
  readonly setting: PkceSetting;
  readonly confidentiality: Confidentiality;
}): PkceChallenge | undefined {
  const { challenge, setting } = request;
  if (challenge === undefined) {
    if (request.method !== undefined) {
      throw new OAuthError("invalid_request", "code_challenge_method was sent without code_challenge");
    }
    // RFC 9700 §2.1.1: public clients must use PKCE, whatever their setting says.
    if (setting === "disabled" && request.confidentiality === "confidential") return undefined;
    throw new OAuthError("invalid_request", "code_challenge is required for this application");
  }
  const method = parseMethod(request.method, setting);
  const grammar = method === "S256" ? S256_GRAMMAR : VERIFIER_GRAMMAR;
  if (!grammar.test(challenge)) throw new OAuthError("invalid_request", `code_challenge is malformed for ${method}`);
  return { value: challenge, method };
}

/**
 * Reads `code_verifier` of a token request.
 * @throws OAuthError `invalid_request` unless it is 43 to 128 unreserved characters (RFC 7636 §4.1)
 */
export function parseVerifier(raw: string | undefined): string | undefined {
  if (raw === undefined || VERIFIER_GRAMMAR.test(raw)) return raw;
  throw new OAuthError("invalid_request", "code_verifier must be 43 to 128 letters, digits or -._~ (RFC 7636)");
}

/**
 * Checks a verifier against the challenge of its code, in constant time.
 * @throws OAuthError `invalid_grant` if they do not match, or if only one of them is there: a verifier for a code without
 *   challenge means that somebody stripped the challenge (rule 6, RFC 9700 §2.1.1)
 */
export function verifyPkce(binding: {
  readonly challenge: PkceChallenge | undefined;
  readonly verifier: string | undefined;
}): void {
  const { challenge, verifier } = binding;
  if (challenge === undefined && verifier === undefined) return;
  if (challenge === undefined) {
    throw new OAuthError("invalid_grant", "code_verifier was sent for a code without code_challenge");
  }
  if (verifier === undefined) {
    throw new OAuthError("invalid_grant", "code_verifier is missing for a code with code_challenge");
  }
  const derived = challenge.method === "S256" ? sha256(verifier).toString("base64url") : verifier;
  if (!equalBytes(sha256(derived), sha256(challenge.value))) {
    throw new OAuthError("invalid_grant", "code_verifier does not match code_challenge");
  }
}

/**
 * Whether `redirect_uri` may be left out when a code is exchanged (rule 6, second sentence).
 * @param code how the code is bound, and whether its client had exactly one redirect URI, not a loopback one, when it was issued
 *   (`hasSoleRedirectUri`): read at exchange, that could differ
 */
export function unboundRedirectUriAllowed(code: {
  readonly challenge: PkceChallenge | undefined;
  readonly confidentiality: Confidentiality;
  readonly soleRedirectUriAtIssue: boolean;
}): boolean {
  // `plain` sends the verifier through the browser: it binds nothing.
  if (code.challenge?.method === "S256") return true;
  return code.confidentiality === "confidential" && code.soleRedirectUriAtIssue;
}

function parseMethod(raw: string | undefined, setting: PkceSetting): PkceMethod {
  if (raw === undefined && setting !== "plain") {
    // RFC 7636 §4.3 takes this for `plain`, which is refused here.
    throw new OAuthError("invalid_request", "code_challenge_method must be S256 for this application");
  }
  const accepted = METHODS[setting];
  const method = accepted.find((candidate) => candidate === (raw ?? "plain"));
  if (method !== undefined) return method;
  throw new OAuthError(
    "invalid_request",
    `code_challenge_method must be ${accepted.join(" or ")} for this application`,
  );
}
