// The ID token (OIDC Core §2, mayfly.md §4, rule 32): an assertion for its client, never a credential for us.

import { hash } from "node:crypto";
import { CLAIM_NAMES, type Person, selectClaims } from "./claims.ts";
import type { ClientMetadata, SigningAlgorithm } from "./client-metadata.ts";

/** What an ID token says. */
export interface IdTokenInput {
  readonly issuer: string;
  readonly subject: string;
  readonly clientId: string;
  readonly tokenId: string;
  /** epoch seconds, tenant time */
  readonly issuedAt: number;
  /** `id_token_expires_after` */
  readonly lifetimeSeconds: number;
  /** when the person logged in, epoch seconds */
  readonly authTime: number;
  readonly acr: string;
  readonly amr: readonly string[];
  /** the client's own name of the session */
  readonly sessionId?: string | undefined;
  /** as sent to authorize; none after a refresh (rule 4) */
  readonly nonce?: string | undefined;
  /** the access token of the same response, and the algorithm that will sign this ID token */
  readonly accessToken: string;
  readonly algorithm: SigningAlgorithm;
  readonly person: Person;
  /** the scope granted to this response */
  readonly scope: readonly string[];
  /** whether scopes put their claims into the ID token, or into userinfo only (`id_token_claims`, OIDC Core §5.4) */
  readonly claimsSetting: ClientMetadata["idTokenClaims"];
  /** names asked for by `claims.id_token`: given in both settings */
  readonly requestedClaims?: readonly string[] | undefined;
}

export interface IdTokenClaims {
  readonly [claim: string]: unknown;
  readonly iss: string;
  readonly sub: string;
  readonly aud: string;
  readonly exp: number;
  readonly iat: number;
}

const PROTOCOL_CLAIMS = [
  "iss",
  "sub",
  "aud",
  "exp",
  "iat",
  "auth_time",
  "nonce",
  "at_hash",
  "jti",
  "sid",
  "amr",
  "acr",
];

/** Every claim that an ID token or userinfo may hold, for `claims_supported` (OIDC Discovery §3). */
export const CLAIMS_SUPPORTED: readonly string[] = [...PROTOCOL_CLAIMS, ...CLAIM_NAMES];

/**
 * The claims of an ID token. `aud` is a string and there is no `azp`, `nbf` or `bi_*`: OIDC libraries refuse an `azp` that is not
 * the client_id, and some allow no clock difference for `nbf` (reference 1.9).
 */
export function idTokenClaims(input: IdTokenInput): IdTokenClaims {
  const scope = input.claimsSetting === "scopes" ? input.scope : [];
  return {
    ...selectClaims(input.person, { scope, names: input.requestedClaims }, "id_token"),
    iss: input.issuer,
    sub: input.subject,
    aud: input.clientId,
    exp: input.issuedAt + input.lifetimeSeconds,
    iat: input.issuedAt,
    auth_time: input.authTime,
    ...(input.nonce === undefined ? {} : { nonce: input.nonce }),
    at_hash: atHash(input.accessToken, input.algorithm),
    jti: input.tokenId,
    ...(input.sessionId === undefined ? {} : { sid: input.sessionId }),
    amr: input.amr,
    acr: input.acr,
  };
}

/** The JOSE header of an ID token; its `typ` sets it apart from every other kind of JWT (rule 34). */
export function idTokenHeader(algorithm: SigningAlgorithm, keyId: string): Readonly<Record<string, string>> {
  return { alg: algorithm, kid: keyId, typ: "JWT" };
}

/**
 * `at_hash` (OIDC Core §3.1.3.6): the left half of the access token's hash, by the hash function of the ID token's algorithm.
 * Ed25519 hashes with SHA-512 (RFC 8032 §5.1), and so do the clients that check it.
 */
export function atHash(accessToken: string, algorithm: SigningAlgorithm): string {
  const digest = hash(algorithm === "EdDSA" ? "sha512" : "sha256", accessToken, "buffer");
  return digest.subarray(0, digest.length / 2).toString("base64url");
}
