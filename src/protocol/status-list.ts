import { createHmac } from "node:crypto";
import { deflateSync } from "node:zlib";

// Token Status Lists (draft-ietf-oauth-status-list): a bit array, of one bit a token, in a JWT.

const HALF_BITS = 9;
const HALF = 2 ** HALF_BITS;
/** Places of a list: many, so that who fetches it does not tell which token he holds. */
export const STATUS_LIST_SIZE = HALF * HALF;
/** For how long a list may be kept (rule 29: at most 60 s), and after which it may not be believed any more. */
export const STATUS_LIST_TTL_SECONDS = 30;
const STATUS_LIST_LIFETIME_SECONDS = 60;
const ROUNDS = 4;
const COMPRESSION = 9;

/** Where a token's bit is. */
export interface StatusPlace {
  readonly list: number;
  readonly index: number;
}

/**
 * The place that is handed out as the n-th: each once, in an order that only the key tells (a Feistel network over its two halves).
 *
 * @param n from 0 up to STATUS_LIST_SIZE
 */
export function placeOf(orderKey: Uint8Array, n: number): number {
  let left = Math.floor(n / HALF);
  let right = n % HALF;
  for (let round = 0; round < ROUNDS; round += 1) {
    const mixed = createHmac("sha256", orderKey).update(`${round}:${right}`).digest().readUInt16BE(0) % HALF;
    [left, right] = [right, left ^ mixed];
  }
  return left * HALF + right;
}

/** The claims of a list at a second (draft §5.1): 0 is VALID, 1 is INVALID. */
export function statusListClaims(
  uri: string,
  invalid: Iterable<number>,
  now: number,
): Readonly<Record<string, unknown>> {
  return {
    sub: uri,
    iat: now,
    exp: now + STATUS_LIST_LIFETIME_SECONDS,
    ttl: STATUS_LIST_TTL_SECONDS,
    status_list: { bits: 1, lst: encodeBits(invalid) },
  };
}

// Draft §4.1: the first place is the least significant bit of the first byte; compressed by DEFLATE with the ZLIB format.
function encodeBits(places: Iterable<number>): string {
  const bytes = Buffer.alloc(STATUS_LIST_SIZE / 8);
  for (const place of places) {
    const at = Math.floor(place / 8);
    bytes.writeUInt8(bytes.readUInt8(at) | (1 << (place % 8)), at);
  }
  return deflateSync(bytes, { level: COMPRESSION }).toString("base64url");
}
