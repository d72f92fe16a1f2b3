// The `request` of an application's own login page (reference 3.1): a JWT that says which login it acts in. Whoever holds the newest one
// of a login may act in it, and nobody else; whose login it is, it never says.

import { type RealmKey, realmPath } from "./client-metadata.ts";

/** `typ` of the JWT: it passes for no other kind of ours, nor does another for it (rule 34). */
export const EMBEDDED_REQUEST_TYPE = "bi-authenticate+jwt";
/** Longest `state` that the JWT repeats, in bytes: it travels in a URL. */
const STATE_BYTES_MAX = 8_192;
const SECRET = /^[A-Za-z0-9_-]{43}$/;

/** What the JWT says. */
export interface EmbeddedRequest {
  /** of the authorization request */
  readonly transactionId: string;
  /** what the next passkey signs, base64url */
  readonly challenge: string | undefined;
  /** the client's own */
  readonly state: string | undefined;
  /** what codes of this login are keyed with: the same in all of its JWTs, and in no table */
  readonly seed: Uint8Array;
  /** another one after each step; its SHA-256 is stored with the login */
  readonly step: Uint8Array;
  /** seconds of tenant time */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** The secrets of a JWT, with the login that it names. */
export type PresentedRequest = Pick<EmbeddedRequest, "transactionId" | "seed" | "step">;

/** The claims of the JWT. */
export function embeddedRequestClaims(
  publicUrl: string,
  realm: RealmKey,
  request: EmbeddedRequest,
): Readonly<Record<string, unknown>> {
  const { state = "" } = request;
  return {
    iss: publicUrl + realmPath(realm),
    aud: audienceOf(publicUrl, realm),
    iat: request.issuedAt,
    exp: request.expiresAt,
    transaction_id: request.transactionId,
    challenge: request.challenge,
    ...(state === "" || Buffer.byteLength(state) > STATE_BYTES_MAX ? {} : { state }),
    seed: Buffer.from(request.seed).toString("base64url"),
    step: Buffer.from(request.step).toString("base64url"),
  };
}

/**
 * Reads the claims of a JWT that a key of this realm has signed. Whether it has expired, its login says, which ends with it.
 *
 * @returns undefined for a JWT that is of another kind, or of another realm
 */
export function readEmbeddedRequest(
  publicUrl: string,
  realm: RealmKey,
  { header, payload }: Readonly<Record<"header" | "payload", Readonly<Record<string, unknown>>>>,
): PresentedRequest | undefined {
  if (header.typ !== EMBEDDED_REQUEST_TYPE || payload.aud !== audienceOf(publicUrl, realm)) return undefined;
  const { iss, transaction_id: transactionId, seed, step } = payload;
  if (iss !== publicUrl + realmPath(realm) || typeof transactionId !== "string") return undefined;
  if (!isSecret(seed) || !isSecret(step)) return undefined;
  return { transactionId, seed: Buffer.from(seed, "base64url"), step: Buffer.from(step, "base64url") };
}

function audienceOf(publicUrl: string, realm: RealmKey): string {
  return `${publicUrl}/authenticator${realmPath(realm)}`;
}

function isSecret(value: unknown): value is string {
  return typeof value === "string" && SECRET.test(value);
}
