import { createPublicKey } from "node:crypto";
import type { JwkMembers } from "../jwk-thumbprint.ts";

/** A key as COSE has it (RFC 9052 §7): labels and values. */
export type CoseKey = ReadonlyMap<number, unknown>;

// RFC 9052 §7.1, RFC 9053 §7.1 and §7.2, RFC 8230 §4, WebAuthn Level 3 §5.8.5.
const KTY = 1;
const ALG = 3;
const OKP = 1;
const EC2 = 2;
const RSA = 3;
const P256 = 1;
const ED25519 = 6;

/** The signatures that we ask authenticators for, the best first: COSE's number and JOSE's name (reference 3.5). */
export const COSE_ALGORITHMS = [
  { cose: -8, jose: "EdDSA" },
  { cose: -7, jose: "ES256" },
  { cose: -257, jose: "RS256" },
] as const;

/** A public key as JWK (RFC 7517); undefined for one that none of our algorithms takes. */
export function jwkOfCose(key: CoseKey): JwkMembers | undefined {
  const alg = COSE_ALGORITHMS.find(({ cose }) => cose === key.get(ALG))?.jose;
  const [crv, first, second] = [-1, -2, -3].map((label) => key.get(label));
  const [kty, x, y] = [key.get(KTY), base64url(first), base64url(second)];
  if (alg === "ES256" && kty === EC2 && crv === P256 && x && y) return { kty: "EC", crv: "P-256", x, y, alg };
  if (alg === "EdDSA" && kty === OKP && crv === ED25519 && x) return { kty: "OKP", crv: "Ed25519", x, alg };
  const n = base64url(crv);
  return alg === "RS256" && kty === RSA && n && x ? { kty: "RSA", n, e: x, alg } : undefined;
}

/** RFC 7518 §3.3. */
const RSA_BITS_MIN = 2_048;
/** What authenticators make is half of it at most. */
const RSA_BITS_MAX = 8_192;
const RSA_EXPONENT_MIN = 3n;

/** Whether a key can verify anything at all, and nobody who does not have it can sign for it: a point of its curve, a modulus of a length. */
export function isSoundKey(jwk: JwkMembers): boolean {
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key: { ...jwk }, format: "jwk" });
    const { modulusLength, publicExponent } = asymmetricKeyDetails ?? {};
    if (modulusLength === undefined || publicExponent === undefined) return jwk.kty !== "RSA";
    return modulusLength >= RSA_BITS_MIN && modulusLength <= RSA_BITS_MAX && publicExponent >= RSA_EXPONENT_MIN;
  } catch {
    return false;
  }
}

/**
 * What `jwkOfCose` was given.
 *
 * @throws RangeError for a key of another type
 */
export function coseOfJwk(jwk: JwkMembers): Map<number, number | Uint8Array> {
  const alg = COSE_ALGORITHMS.find(({ jose }) => jose === jwk.alg)?.cose;
  if (alg === undefined) throw new RangeError("a key for another algorithm");
  const text = (name: string): Buffer => Buffer.from(String(jwk[name]), "base64url");
  const parts: Readonly<Record<string, readonly [number, number | Uint8Array][]>> = {
    EC: [
      [KTY, EC2],
      [ALG, alg],
      [-1, P256],
      [-2, text("x")],
      [-3, text("y")],
    ],
    OKP: [
      [KTY, OKP],
      [ALG, alg],
      [-1, ED25519],
      [-2, text("x")],
    ],
    RSA: [
      [KTY, RSA],
      [ALG, alg],
      [-1, text("n")],
      [-2, text("e")],
    ],
  };
  const members = parts[String(jwk.kty)];
  if (members === undefined) throw new RangeError("a key of another type");
  return new Map(members);
}

function base64url(value: unknown): string | undefined {
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64url") : undefined;
}
