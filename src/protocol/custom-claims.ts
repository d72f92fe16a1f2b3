// `custom_claims`: a JSON object that a client puts into a token under `bi_custom`, verbatim (reference 1.7, rule 21).
// JSON.parse judges the grammar; a scan of the text finds what it hides: keys that repeat and numbers that would change.

import type { ClientMetadata } from "./client-metadata.ts";
import { isObject } from "./json-object.ts";
import { OAuthError } from "./oauth-error.ts";

/** Most bytes, in UTF-8, that any application may send. */
export const CUSTOM_CLAIMS_BYTES_MAX = 4096;
/** Deepest nesting; the object itself is the first level. */
const CUSTOM_CLAIMS_DEPTH_MAX = 5;

// Copying such a member into an object reaches its prototype in many a consumer's language (rule 21).
const FORBIDDEN_NAMES: readonly string[] = ["__proto__", "constructor"];

const TOKENS = /"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|[{}[\],]/g;

/** Custom claims as they were sent, and as they read. */
export interface CustomClaims {
  /** the JSON text as sent, without white space around it */
  readonly text: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

/**
 * Refuses custom claims where the application may not send them (rule 21).
 * @param setting the application's `token_configuration.custom_claims`
 * @throws OAuthError `invalid_request`
 */
export function checkCustomClaimsAllowed(raw: string | undefined, setting: ClientMetadata["customClaims"]): void {
  if (raw === undefined || raw === "" || setting === "allow") return;
  throw new OAuthError("invalid_request", "custom_claims is not allowed for this application");
}

/**
 * Reads `custom_claims`.
 * @param maxBytes the application's own limit, at most `CUSTOM_CLAIMS_BYTES_MAX`
 * @returns undefined when absent or empty (rule 21)
 * @throws OAuthError `invalid_request` naming the rule: no JSON object, too large or deep, a repeated or forbidden name,
 *   a number that does not survive an IEEE double, U+0000 or a lone surrogate
 */
export function parseCustomClaims(
  raw: string | undefined,
  maxBytes: number = CUSTOM_CLAIMS_BYTES_MAX,
): CustomClaims | undefined {
  if (raw === undefined || raw === "") return undefined;
  const limit = Math.min(maxBytes, CUSTOM_CLAIMS_BYTES_MAX);
  if (Buffer.byteLength(raw, "utf8") > limit) throw refused(`is larger than ${limit} bytes`);
  const claims = parseJson(raw);
  if (!isObject(claims)) throw refused("is not a JSON object");
  checkText(raw);
  return { text: raw.trim(), claims };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refused("is not valid JSON", cause);
  }
}

// Walks the tokens of a text that is known to be JSON. A level is the set of an object's names, or undefined for an array.
function checkText(json: string): void {
  const levels: (Set<string> | undefined)[] = [];
  let nameIsNext = false;
  for (const [token] of json.matchAll(TOKENS)) {
    const names = levels.at(-1);
    if (token === "{" || token === "[") {
      levels.push(token === "{" ? new Set() : undefined);
      if (levels.length > CUSTOM_CLAIMS_DEPTH_MAX) throw refused(`is nested deeper than ${CUSTOM_CLAIMS_DEPTH_MAX}`);
      nameIsNext = token === "{";
    } else if (token === "}" || token === "]") {
      levels.pop();
    } else if (token === ",") {
      nameIsNext = names !== undefined;
    } else if (token.startsWith('"')) {
      const text = checkString(token);
      if (nameIsNext && names !== undefined) checkName(text, names);
      nameIsNext = false;
    } else if (!survivesDouble(token)) {
      throw refused("holds a number that a double cannot hold exactly");
    }
  }
}

function checkString(token: string): string {
  const text = String(JSON.parse(token));
  if (text.includes("\u0000")) throw refused("holds U+0000");
  if (!text.isWellFormed()) throw refused("holds a lone surrogate");
  return text;
}

function checkName(name: string, names: Set<string>): void {
  if (names.has(name)) throw refused("repeats a member name");
  if (FORBIDDEN_NAMES.includes(name)) throw refused("uses a reserved member name (__proto__ or constructor)");
  names.add(name);
}

/**
 * Whether a JSON number means the same after a reader has put it into an IEEE double and written it again (rule 21).
 * `1.0` and `1e3` do; 9007199254740993, `1e400` and `-0` do not.
 */
export function survivesDouble(token: string): boolean {
  const value = Number(token);
  if (!Number.isFinite(value) || Object.is(value, -0)) return false;
  return normalForm(token) === normalForm(String(value));
}

// A decimal as sign, significant digits and the power of ten of the last: one spelling for one value.
function normalForm(decimal: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/.exec(decimal) ?? [];
  const digits = (whole + fraction).replace(/^0+/, "");
  if (digits === "") return "0";
  const significant = digits.replace(/0+$/, "");
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}

function refused(rule: string, cause?: unknown): OAuthError {
  return new OAuthError("invalid_request", `custom_claims ${rule}`, { cause });
}
