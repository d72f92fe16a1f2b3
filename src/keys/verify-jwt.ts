import { createPublicKey } from "node:crypto";
import type { SigningKeyRow } from "../resources/signing-key/queries.ts";
import { verifyBytes } from "./algorithms.ts";

/** Longest JWT that is looked at, in characters (rule 30). */
const JWT_LENGTH_MAX = 16_384;
const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;

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
  if (token.length > JWT_LENGTH_MAX) return undefined;
  const [, head = "", body = "", signature = ""] = COMPACT.exec(token) ?? [];
  const header = parse(head);
  const payload = parse(body);
  const key = rows.find((row) => row.keyId === header?.kid && row.compromisedAt === undefined);
  if (header === undefined || payload === undefined || key === undefined || header.alg !== key.algorithm)
    return undefined;
  const publicKey = createPublicKey({ key: { ...key.publicJwk }, format: "jwk" });
  const signed = Buffer.from(`${head}.${body}`, "ascii");
  const isOurs = verifyBytes(key.algorithm, publicKey, {
    bytes: signed,
    signature: Buffer.from(signature, "base64url"),
  });
  return isOurs ? { header, payload } : undefined;
}

function parse(text: string): Members | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
