import { sha256 } from "../platform/hash.ts";

/** The members of a public key as JWK: what its type requires, and whatever is said of it besides. */
export type JwkMembers = Readonly<Record<string, unknown>>;

/** RFC 7638 §3.2, RFC 8037 §2: the members that each type of key requires, in lexicographic order. */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  RSA: ["e", "kty", "n"],
  EC: ["crv", "kty", "x", "y"],
  OKP: ["crv", "kty", "x"],
};

/**
 * The thumbprint of a public key (RFC 7638 §3): SHA-256 over the required members alone, without white space; base64url.
 *
 * @throws RangeError for a key of another type, or one that lacks a member
 */
export function jwkThumbprint(jwk: JwkMembers): string {
  const names = REQUIRED[String(jwk.kty)];
  if (names === undefined) throw new RangeError("a thumbprint is made of RSA, EC and OKP keys");
  const required = names.map((name) => [name, jwk[name]]);
  if (required.some(([, value]) => typeof value !== "string")) throw new RangeError("the key lacks a required member");
  return sha256(JSON.stringify(Object.fromEntries(required))).toString("base64url");
}
