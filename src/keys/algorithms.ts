import { constants, createPrivateKey, generateKeyPair, type KeyObject, sign, verify } from "node:crypto";
import { promisify } from "node:util";
import type { SigningAlgorithm } from "../protocol/client-metadata.ts";
import { jwkThumbprint } from "../protocol/jwk-thumbprint.ts";
import type { PublicJwk } from "../resources/signing-key/queries.ts";

const RSA_BITS = 2048;
const PSS_SALT_BYTES = 32; // RFC 7518 §3.5: as long as the hash

/** A new key pair, ready to be stored. */
export interface KeyPair {
  /** RFC 7638 thumbprint, base64url */
  readonly keyId: string;
  readonly publicJwk: PublicJwk;
  /** PKCS #8, DER */
  readonly privateKey: Buffer;
}

/** Bytes and what is said to be their signature. */
interface SignedBytes {
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array;
}

interface Algorithm {
  readonly generate: () => Promise<{ publicKey: KeyObject; privateKey: KeyObject }>;
  readonly sign: (key: KeyObject, bytes: Uint8Array) => Promise<Buffer> | Buffer;
  readonly verify: (key: KeyObject, signed: SignedBytes) => boolean;
}

const generate = promisify(generateKeyPair);
const generateRsa = () => generate("rsa", { modulusLength: RSA_BITS });

// RSA takes 0.3 ms, too long for the event loop, so it runs in the thread pool. ES256 and EdDSA take 0.03 ms, less than the way
// to the pool and back. Measured on Node 26: `ieee-p1363` 39,600 ES256 signatures/s, conversion from DER 38,900.
const ALGORITHMS: Readonly<Record<SigningAlgorithm, Algorithm>> = {
  RS256: { generate: generateRsa, sign: signInPool, verify: verifySha256 },
  PS256: { generate: generateRsa, sign: signPss, verify: verifyPss },
  ES256: {
    generate: () => generate("ec", { namedCurve: "P-256" }),
    sign: (key, bytes) => sign("sha256", bytes, { key, dsaEncoding: "ieee-p1363" }),
    verify: (key, { bytes, signature }) => verify("sha256", bytes, { key, dsaEncoding: "ieee-p1363" }, signature),
  },
  EdDSA: {
    generate: () => generate("ed25519"),
    sign: (key, bytes) => sign(null, bytes, key),
    verify: (key, { bytes, signature }) => verify(null, bytes, key, signature),
  },
};

/** The algorithms that Mayfly signs with; RS256, the default, first. */
export const SIGNING_ALGORITHMS: readonly SigningAlgorithm[] = ["RS256", "ES256", "PS256", "EdDSA"];

/** Makes a key pair in the thread pool: RSA takes about 40 ms. */
export async function generateSigningKey(algorithm: SigningAlgorithm): Promise<KeyPair> {
  const { publicKey, privateKey } = await ALGORITHMS[algorithm].generate();
  const exported = Object.entries(publicKey.export({ format: "jwk" }));
  const members = Object.fromEntries(exported.map(([name, value]) => [name, String(value)]));
  const keyId = jwkThumbprint(members);
  return {
    keyId,
    publicJwk: { ...members, kid: keyId, use: "sig", alg: algorithm },
    privateKey: privateKey.export({ type: "pkcs8", format: "der" }),
  };
}

/** Reads a private key of `generateSigningKey`. */
export function readPrivateKey(der: Buffer): KeyObject {
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
}

/** The signature of JWS (RFC 7518 section 3): at once for ES256 and EdDSA, from the thread pool for RSA. */
export function signBytes(algorithm: SigningAlgorithm, key: KeyObject, bytes: Uint8Array): Promise<Buffer> | Buffer {
  return ALGORITHMS[algorithm].sign(key, bytes);
}

/** Whether a signature of JWS is this key's: at once, RSA takes 0.02 ms. */
export function verifyBytes(algorithm: SigningAlgorithm, key: KeyObject, signed: SignedBytes): boolean {
  return ALGORITHMS[algorithm].verify(key, signed);
}

function signInPool(key: KeyObject, bytes: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    sign("sha256", bytes, key, (error, signature) => (error === null ? resolve(signature) : reject(error)));
  });
}

function verifySha256(key: KeyObject, { bytes, signature }: SignedBytes): boolean {
  return verify("sha256", bytes, key, signature);
}

function verifyPss(key: KeyObject, { bytes, signature }: SignedBytes): boolean {
  const pss = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: PSS_SALT_BYTES };
  return verify("sha256", bytes, pss, signature);
}

function signPss(key: KeyObject, bytes: Uint8Array): Promise<Buffer> {
  const pss = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: PSS_SALT_BYTES };
  return new Promise((resolve, reject) => {
    sign("sha256", bytes, pss, (error, signature) => (error === null ? resolve(signature) : reject(error)));
  });
}
