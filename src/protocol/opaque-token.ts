// The strings of our opaque tokens (settled 1, 2 and 7; rule 40):
//
//   access token, code   {prefix}{base64url(id 24, secret 32)}{crc}
//   binding link         {prefix}{base64url(secret 32)}{crc}
//   passkey binding      {prefix}{base64url(id 24, secret 32)}{crc}
//   refresh token        {prefix}{base64url(id 24, generation 4, secret 32)}{base64url(mac 16)}{crc}
//
// The prefix is for secret scanners. The CRC-32, six base62 characters over all that stands before it, refuses a typing error
// without a look-up. Of the 256 random bits more than 192 stay unknown after suffix and checksum are shown (rule 40).

import { createHmac, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";
import { decodeId, encodeId, ID_BYTES, type IdParts } from "./token-id.ts";

export const OPAQUE_PREFIXES = { access: "mayfly_at_", code: "mayfly_ac_" } as const;
const REFRESH_PREFIX = "mayfly_rt_";
const LINK_PREFIX = "mayfly_bl_";
const BINDING_PREFIX = "mayfly_bt_";

/** Random bytes in every opaque token. */
export const SECRET_BYTES = 32;
/** Characters of a token that lists may show. */
const TOKEN_SUFFIX_LENGTH = 11;

const GENERATION_BYTES = 4;
const MAC_BYTES = 16;
const GENERATION_MAX = 0xffff_ffff;
const CRC_LENGTH = 6;
const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const OPAQUE_GRAMMAR = /^(mayfly_at_|mayfly_ac_)([A-Za-z0-9_-]{75})[0-9A-Za-z]{6}$/;
const LINK_GRAMMAR = /^mayfly_bl_([A-Za-z0-9_-]{43})[0-9A-Za-z]{6}$/;
const BINDING_GRAMMAR = /^mayfly_bt_([A-Za-z0-9_-]{75})[0-9A-Za-z]{6}$/;
const REFRESH_GRAMMAR = /^(mayfly_rt_)([A-Za-z0-9_-]{80})([A-Za-z0-9_-]{22})[0-9A-Za-z]{6}$/;

export type OpaqueTokenKind = keyof typeof OPAQUE_PREFIXES;

/** What an access token or code says of itself; whether it is real, the SHA-256 of the string in its row decides. */
export interface OpaqueToken {
  readonly kind: OpaqueTokenKind;
  /** the row's id, 32 base64url characters */
  readonly id: string;
  readonly idParts: IdParts;
}

/** What a refresh token says of itself; believe it after `verifyRefreshMac`. */
export interface RefreshToken {
  /** the id of its family (the grant's row), 32 base64url characters */
  readonly id: string;
  readonly idParts: IdParts;
  readonly generation: number;
  /** what the keyed checksum covers, and the checksum sent */
  readonly signedText: string;
  readonly mac: Uint8Array;
}

/**
 * Writes an opaque access token or authorization code.
 * @param secret 32 random bytes
 * @throws RangeError if id or secret have another length
 */
export function formatOpaqueToken(kind: OpaqueTokenKind, id: IdParts, secret: Uint8Array): string {
  checkSecret(secret);
  const body = Buffer.concat([Buffer.from(encodeId(id), "base64url"), secret]);
  return withChecksum(OPAQUE_PREFIXES[kind] + body.toString("base64url"));
}

/**
 * Reads an opaque access token or code: full grammar, canonical base64url and checksum (rule 10).
 * @returns undefined for anything that `formatOpaqueToken` cannot have written
 */
export function parseOpaqueToken(text: string): OpaqueToken | undefined {
  const [, prefix, body] = OPAQUE_GRAMMAR.exec(text) ?? [];
  if (prefix === undefined || body === undefined || !hasChecksum(text)) return undefined;
  const bytes = decodeCanonical(body);
  const id = idOf(bytes);
  if (id === undefined) return undefined;
  return { kind: prefix === OPAQUE_PREFIXES.access ? "access" : "code", ...id };
}

/**
 * Writes a refresh token of a family's generation under a keyed checksum, so that an authentic token of an older generation
 * can be known without a row of its own (settled 7).
 * @param token the family's id, its generation (0 to 2^32-1), 32 random bytes
 * @throws RangeError if a part is out of range
 */
export function formatRefreshToken(
  token: { readonly id: IdParts; readonly generation: number; readonly secret: Uint8Array },
  macKey: Uint8Array,
): string {
  checkSecret(token.secret);
  if (!Number.isInteger(token.generation) || token.generation < 0 || token.generation > GENERATION_MAX) {
    throw new RangeError("a generation is an integer from 0 to 2^32-1");
  }
  const generation = Buffer.alloc(GENERATION_BYTES);
  generation.writeUInt32BE(token.generation);
  const body = Buffer.concat([Buffer.from(encodeId(token.id), "base64url"), generation, token.secret]);
  const signedText = REFRESH_PREFIX + body.toString("base64url");
  return withChecksum(signedText + refreshMac(signedText, macKey).toString("base64url"));
}

/** Whether a text says that it is a refresh token; whether it is one, `parseRefreshToken` tells. */
export function looksLikeRefreshToken(text: string): boolean {
  return text.startsWith(REFRESH_PREFIX);
}

/**
 * Reads a refresh token: full grammar, canonical base64url and checksum (rule 10). The keyed checksum is not judged here.
 * @returns undefined for anything that `formatRefreshToken` cannot have written
 */
export function parseRefreshToken(text: string): RefreshToken | undefined {
  const [, prefix, body, mac] = REFRESH_GRAMMAR.exec(text) ?? [];
  if (prefix === undefined || body === undefined || mac === undefined || !hasChecksum(text)) return undefined;
  const bytes = decodeCanonical(body);
  const macBytes = decodeCanonical(mac);
  const id = idOf(bytes);
  if (bytes === undefined || macBytes === undefined || id === undefined) return undefined;
  return { ...id, generation: bytes.readUInt32BE(ID_BYTES), signedText: prefix + body, mac: macBytes };
}

/**
 * Whether one of the keys made the token's keyed checksum: only then we issued it. Constant time; every key is tried.
 * @param macKeys the present key and those it replaced
 */
export function verifyRefreshMac(token: RefreshToken, macKeys: readonly Uint8Array[]): boolean {
  return macKeys
    .map((key) => token.mac.length === MAC_BYTES && timingSafeEqual(refreshMac(token.signedText, key), token.mac))
    .includes(true);
}

/**
 * Writes the token of a link that binds a credential: its row is named by the link's path.
 * @param secret 32 random bytes
 * @throws RangeError if the secret has another length
 */
export function formatLinkToken(secret: Uint8Array): string {
  checkSecret(secret);
  return withChecksum(LINK_PREFIX + Buffer.from(secret).toString("base64url"));
}

/** Whether `formatLinkToken` can have written this: full grammar, canonical base64url and checksum (rule 10). */
export function isLinkToken(text: string): boolean {
  const [, body] = LINK_GRAMMAR.exec(text) ?? [];
  return body !== undefined && hasChecksum(text) && decodeCanonical(body) !== undefined;
}

/**
 * Writes the token by which somebody who has just logged in by a code gets a link for a passkey (reference 3.2).
 * @param requestId of the login, 32 base64url characters
 * @param secret 32 random bytes
 * @throws RangeError if the secret has another length
 */
export function formatBindingToken(requestId: string, secret: Uint8Array): string {
  checkSecret(secret);
  const body = Buffer.concat([Buffer.from(requestId, "base64url"), secret]);
  return withChecksum(BINDING_PREFIX + body.toString("base64url"));
}

/** The login that such a token names; undefined for anything that `formatBindingToken` cannot have written. */
export function parseBindingToken(text: string): string | undefined {
  const [, body] = BINDING_GRAMMAR.exec(text) ?? [];
  return body === undefined || !hasChecksum(text) ? undefined : idOf(decodeCanonical(body))?.id;
}

/** The last characters of a token, as the tokens API shows them (reference 1.12). */
export function tokenSuffix(token: string): string {
  return token.slice(-TOKEN_SUFFIX_LENGTH);
}

function refreshMac(signedText: string, key: Uint8Array): Buffer {
  return createHmac("sha256", key).update(signedText).digest().subarray(0, MAC_BYTES);
}

function withChecksum(text: string): string {
  return text + checksum(text);
}

function hasChecksum(text: string): boolean {
  return text.slice(-CRC_LENGTH) === checksum(text.slice(0, -CRC_LENGTH));
}

function checksum(text: string): string {
  let rest = crc32(text);
  let digits = "";
  for (let place = 0; place < CRC_LENGTH; place += 1) {
    digits = BASE62.charAt(rest % BASE62.length) + digits;
    rest = Math.floor(rest / BASE62.length);
  }
  return digits;
}

// Two spellings of one token would have two hashes and one id: only the spelling we write is read.
function decodeCanonical(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}

function idOf(bytes: Buffer | undefined): { readonly id: string; readonly idParts: IdParts } | undefined {
  const id = bytes?.subarray(0, ID_BYTES).toString("base64url");
  const idParts = id === undefined ? undefined : decodeId(id);
  return id === undefined || idParts === undefined ? undefined : { id, idParts };
}

function checkSecret(secret: Uint8Array): void {
  if (secret.length !== SECRET_BYTES) throw new RangeError(`a token's secret has ${SECRET_BYTES} bytes`);
}
