// What a client proves itself with: its secret, and the Basic header that carries it (rule 15, RFC 6749 §2.3.1, RFC 7617).

import { isUtf8 } from "node:buffer";
import { OAuthError } from "./oauth-error.ts";
import { checkClientId } from "./subject.ts";

const CLIENT_SECRET_GRAMMAR = /^[A-Za-z0-9_-]{43,128}$/;
const BASIC_GRAMMAR = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i;

/** A chosen secret with fewer different characters is not random: of 43 random ones about 31 differ. */
const DISTINCT_CHARACTERS_MIN = 10;
/** A chosen secret may not be a shorter text repeated, up to this length. */
const PERIOD_MAX = 32;
/** So many neighbours of the alphabet in a row ("abcde", "54321", "aaaaa") count as known. */
const SEQUENCE_LENGTH = 5;
/** Characters of a chosen secret that must be left without well-known words and sequences: 22 hold 128 bits. */
const UNKNOWN_CHARACTERS_MIN = 22;
const WELL_KNOWN =
  /change[-_]?me|password|passwd|client|secret|example|placeholder|default|letmein|qwerty|deadbeef|your/gi;

/** The user and password of a Basic header. */
export interface ClientCredentials {
  readonly clientId: string;
  /** empty for a public client (rule 15) */
  readonly clientSecret: string;
}

/** Both readings of a Basic header. With the alphabets of rules 2 and 15 they agree wherever `decoded` is valid. */
export interface BasicCredentials {
  /** as the header's base64 says: what clients send that never heard of RFC 6749 §2.3.1 */
  readonly raw: ClientCredentials;
  /** form-decoded, as RFC 6749 §2.3.1 asks; undefined if that is not possible */
  readonly decoded: ClientCredentials | undefined;
}

/**
 * Judges a chosen client secret (rule 15): secrets are hashed fast, so they must not be guessable.
 * @returns why it is refused, without repeating it, or undefined
 */
export function checkClientSecret(value: string): string | undefined {
  if (!CLIENT_SECRET_GRAMMAR.test(value)) return "must be 43 to 128 letters, digits, hyphens or underscores";
  if (new Set(value).size < DISTINCT_CHARACTERS_MIN) return "repeats too few characters to be random";
  if (repeatsItself(value)) return "repeats a shorter text";
  if (unknownCharacters(value.replaceAll(WELL_KNOWN, "")) < UNKNOWN_CHARACTERS_MIN)
    return "is made of well-known texts";
  return undefined;
}

/**
 * Reads an `Authorization` header of scheme Basic.
 * @returns undefined without a header or with another scheme: what that means, the route decides
 * @throws OAuthError `invalid_client` for a Basic header that is not base64 of UTF-8 with a colon (RFC 7617)
 */
export function parseBasic(header: string | undefined): BasicCredentials | undefined {
  if (header === undefined || !/^Basic(?: |$)/i.test(header)) return undefined;
  const [, encoded = ""] = BASIC_GRAMMAR.exec(header) ?? [];
  const bytes = Buffer.from(encoded, "base64");
  const text = bytes.toString("utf8");
  const colon = text.indexOf(":");
  if (colon === -1 || !isUtf8(bytes)) {
    throw new OAuthError("invalid_client", "the Basic header is malformed");
  }
  const raw = { clientId: text.slice(0, colon), clientSecret: text.slice(colon + 1) };
  return { raw, decoded: formDecoded(raw) };
}

/**
 * The credentials of a Basic header, where its reading is unambiguous (rule 15).
 * @throws OAuthError `invalid_client` if either half, decoded, is outside the alphabet of ids and secrets
 */
export function basicCredentials(basic: BasicCredentials): ClientCredentials {
  const { decoded } = basic;
  const secretIsPossible =
    decoded !== undefined && (decoded.clientSecret === "" || CLIENT_SECRET_GRAMMAR.test(decoded.clientSecret));
  if (decoded === undefined || checkClientId(decoded.clientId) !== undefined || !secretIsPossible) {
    throw new OAuthError("invalid_client", "the Basic header holds no possible client_id and client_secret");
  }
  return decoded;
}

function formDecoded(raw: ClientCredentials): ClientCredentials | undefined {
  try {
    return {
      clientId: decodeURIComponent(raw.clientId.replaceAll("+", " ")),
      clientSecret: decodeURIComponent(raw.clientSecret.replaceAll("+", " ")),
    };
  } catch {
    return undefined;
  }
}

function repeatsItself(value: string): boolean {
  const longest = Math.min(PERIOD_MAX, Math.floor(value.length / 2));
  for (let period = 1; period <= longest; period += 1) {
    if (value.startsWith(value.slice(period))) return true;
  }
  return false;
}

function unknownCharacters(value: string): number {
  const codes = [...value].map((character) => character.charCodeAt(0));
  const known = new Set<number>();
  for (let start = 0; start + SEQUENCE_LENGTH <= codes.length; start += 1) {
    const window = codes.slice(start, start + SEQUENCE_LENGTH);
    const steps = new Set(window.slice(1).map((code, index) => code - (window[index] ?? 0)));
    const [step = 2] = steps;
    if (steps.size > 1 || Math.abs(step) > 1) continue;
    for (let at = start; at < start + SEQUENCE_LENGTH; at += 1) known.add(at);
  }
  return codes.length - known.size;
}
