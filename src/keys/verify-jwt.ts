import { createPublicKey } from "node:crypto";
import { readJwtPart, splitJwt } from "../protocol/compact-jwt.ts";
import type { SigningKeyRow } from "../resources/signing-key/queries.ts";
import { verifyBytes } from "./algorithms.ts";

type Members = Readonly<Record<string, unknown>>;

/** A JWT that one of a realm's keys has signed. */
export interface VerifiedJwt {
  readonly header: Members;
  readonly payload: Members;
}

/**
 * Verifies a JWT by the keys of a realm: by the one that its `kid` names, with that key's algorithm and no other; what a header says
 * besides, of keys above all, is never read (rule 34). Whether it has expired, the caller must see.
 *
 * @returns undefined for anything that none of these keys has signed, or one that is compromised
 */
export function verifyJwt(rows: readonly SigningKeyRow[], token: string): VerifiedJwt | undefined {
  const jwt = splitJwt(token);
  if (jwt === undefined) return undefined;
  const header = readJwtPart(jwt.header);
  const payload = readJwtPart(jwt.payload);
  const key = rows.find((row) => row.keyId === header?.kid && row.compromisedAt === undefined);
  if (header === undefined || payload === undefined || key === undefined || header.alg !== key.algorithm)
    return undefined;
  const publicKey = createPublicKey({ key: { ...key.publicJwk }, format: "jwk" });
  const signed = Buffer.from(`${jwt.header}.${jwt.payload}`, "ascii");
  const isOurs = verifyBytes(key.algorithm, publicKey, {
    bytes: signed,
    signature: Buffer.from(jwt.signature, "base64url"),
  });
  return isOurs ? { header, payload } : undefined;
}
