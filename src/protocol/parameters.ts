// Form bodies and query strings, read strictly: what two readers could read differently is refused (rule 10, RFC 6749 §3.1, §3.2).

import { isUtf8 } from "node:buffer";
import { OAuthError } from "./oauth-error.ts";

/** Most parameters of one request. */
export const PARAMETERS_MAX = 64;
/** Longest name, in characters. */
export const PARAMETER_NAME_LENGTH_MAX = 128;
/** Longest value, in characters: above the longest token, so that a token too long is answered as a token. */
export const PARAMETER_VALUE_LENGTH_MAX = 32_768;

/** The parameters of one request. */
export interface RequestParameters {
  /** by name; neither empty nor repeated ones are here */
  readonly values: ReadonlyMap<string, string>;
  /** the values of parameters that may repeat, in order, without the empty ones */
  readonly lists: ReadonlyMap<string, readonly string[]>;
  /** names sent without a value: treated as absent (RFC 6749 §3.1) */
  readonly empty: ReadonlySet<string>;
  /** names sent more than once, against the rules; none unless reporting was asked for */
  readonly duplicates: readonly string[];
}

/** What a reader may be told. */
export interface ParameterOptions {
  /** names that may repeat (RFC 8693 §2.1: `audience`, `resource`) */
  readonly repeatable?: readonly string[];
  /** "report" lists duplicates instead of refusing: /authorize answers them by redirect or page, depending on which (rule 38) */
  readonly duplicates?: "refuse" | "report";
}

type Pair = readonly [name: string, value: string];

/**
 * Reads a body of type `application/x-www-form-urlencoded`. The caller has bounded its size.
 * @throws OAuthError `invalid_request` for invalid UTF-8 or percent-encoding, U+0000, a parameter sent twice (RFC 6749 §3.2)
 *   or more than the limits allow
 */
export function parseForm(body: Uint8Array, options: ParameterOptions = {}): RequestParameters {
  return collect(splitPairs(decodeUtf8(body)), options);
}

/**
 * Reads a query string, with or without its `?`.
 * @throws OAuthError as `parseForm`, and for characters that no URI has (RFC 3986 §2)
 */
export function parseQuery(query: string, options: ParameterOptions = {}): RequestParameters {
  // A raw byte beyond ASCII would reach us as Latin-1, and say something else than was meant.
  if (!/^[\x21-\x7E]*$/.test(query)) throw new OAuthError("invalid_request", "the query string is not a valid URI");
  return collect(splitPairs(query.startsWith("?") ? query.slice(1) : query), options);
}

/**
 * Refuses a body parameter that was sent in the query string, where it would be ignored silently (mayfly.md §2, rule 31).
 * @throws OAuthError `invalid_request`
 */
export function refuseInQuery(query: string, name: string): void {
  if (query === "") return;
  const { values, empty, duplicates } = parseQuery(query, { duplicates: "report" });
  if (!values.has(name) && !empty.has(name) && !duplicates.includes(name)) return;
  throw new OAuthError("invalid_request", `${name} belongs in the request body, not in the query string`);
}

function decodeUtf8(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new OAuthError("invalid_request", "the request body is not valid UTF-8");
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

function splitPairs(text: string): readonly Pair[] {
  const pieces = text.split("&").filter((piece) => piece !== "");
  if (pieces.length > PARAMETERS_MAX) {
    throw new OAuthError("invalid_request", `more than ${PARAMETERS_MAX} parameters were sent`);
  }
  return pieces.map((piece) => {
    const equals = piece.indexOf("=");
    const name = decodeName(equals === -1 ? piece : piece.slice(0, equals));
    return [name, equals === -1 ? "" : decodeValue(name, piece.slice(equals + 1))];
  });
}

function decodeName(text: string): string {
  const name = decodeComponent(text);
  if (name === undefined) throw new OAuthError("invalid_request", "the name of a parameter is not encoded correctly");
  if (name.length > PARAMETER_NAME_LENGTH_MAX) {
    throw new OAuthError("invalid_request", `the name of a parameter has over ${PARAMETER_NAME_LENGTH_MAX} characters`);
  }
  return name;
}

function decodeValue(name: string, text: string): string {
  const value = decodeComponent(text);
  if (value === undefined) {
    throw new OAuthError("invalid_request", `${quoteName(name)} is not percent-encoded UTF-8 without U+0000`);
  }
  if (value.length > PARAMETER_VALUE_LENGTH_MAX) {
    throw new OAuthError("invalid_request", `${quoteName(name)} has over ${PARAMETER_VALUE_LENGTH_MAX} characters`);
  }
  return value;
}

// decodeURIComponent refuses a broken escape, overlong UTF-8 and encoded surrogates; U+0000 is ours to refuse (rule 10).
function decodeComponent(text: string): string | undefined {
  try {
    const value = decodeURIComponent(text.replaceAll("+", " "));
    return value.includes("\u0000") || !value.isWellFormed() ? undefined : value;
  } catch {
    return undefined;
  }
}

function collect(pairs: readonly Pair[], options: ParameterOptions): RequestParameters {
  const sent = new Map<string, string[]>();
  for (const [name, value] of pairs) {
    const values = sent.get(name);
    if (values === undefined) sent.set(name, [value]);
    else values.push(value);
  }
  const values = new Map<string, string>();
  const lists = new Map<string, readonly string[]>();
  const empty = new Set<string>();
  const duplicates: string[] = [];
  for (const [name, [first = "", ...more]] of sent) {
    const present = [first, ...more].filter((value) => value !== "");
    if (options.repeatable?.includes(name)) lists.set(name, present);
    else if (more.length > 0) duplicates.push(name);
    else if (first !== "") values.set(name, first);
    if (present.length === 0) empty.add(name);
  }
  const [duplicate] = duplicates;
  if (duplicate !== undefined && options.duplicates !== "report") {
    throw new OAuthError("invalid_request", `${quoteName(duplicate)} was sent more than once`);
  }
  return { values, lists, empty, duplicates };
}

// Rule 23: client input is not repeated. Parameter names are, where they look like one and cannot be a misplaced secret.
function quoteName(name: string): string {
  return /^[A-Za-z_]{1,40}$/.test(name) ? name : "a parameter";
}
