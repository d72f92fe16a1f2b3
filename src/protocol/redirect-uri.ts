// Which redirect URIs may be registered, which presented one is a registered one, and how an answer is added to it
// (rules 6, 18, 22 and 36; RFC 6749 §3.1.2, RFC 8252, RFC 9700 §2.1).

import type { Confidentiality } from "./client-metadata.ts";

/** Longest redirect URI, in characters. */
export const REDIRECT_URI_LENGTH_MAX = 2048;

// RFC 3986 §2: reserved, unreserved and "%". All else, also what browsers quietly correct ("\", tabs), is refused.
const URI_CHARACTERS = /^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]*$/;
const SCHEME = /^[a-z][a-z0-9+.-]*(?=:)/;
const AUTHORITY = /^[^:]*:\/\/([^/?#]*)/;
const LOCAL_HTTP = /^http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)(?::[0-9]{1,5})?(?:[/?]|$)/;
const LOOPBACK_HTTP = /^http:\/\/(127\.0\.0\.1|\[::1\])(?::([0-9]{1,5}))?([/?].*)?$/;
const FORBIDDEN_SCHEMES: readonly string[] = ["javascript", "data", "file", "blob", "vbscript", "about"];
const PORT_MAX = 65_535;

/**
 * Judges a redirect URI that is to be registered (rule 22): https; http for `127.0.0.1`, `[::1]` and `localhost` only; for public
 * applications also a private-use scheme that contains a dot (RFC 8252 §7.1).
 * @returns why it is refused, without repeating it, or undefined
 */
export function checkRegisteredRedirectUri(uri: string, confidentiality: Confidentiality): string | undefined {
  if (uri.length > REDIRECT_URI_LENGTH_MAX) return `must not have over ${REDIRECT_URI_LENGTH_MAX} characters`;
  if (!URI_CHARACTERS.test(uri)) return "must hold only the characters of a URI, others percent-encoded";
  if (uri.includes("#")) return "must not have a fragment"; // RFC 6749 §3.1.2
  const scheme = SCHEME.exec(uri)?.[0];
  if (scheme === undefined || !URL.canParse(uri)) return "must be an absolute URI with a lower-case scheme";
  const authority = AUTHORITY.exec(uri)?.[1];
  if (authority?.includes("@")) return "must not have user information";
  if (FORBIDDEN_SCHEMES.includes(scheme)) return "must not have a scheme that a browser runs or opens by itself";
  if (scheme === "https") return authority && !authority.includes("*") ? undefined : "must name one host";
  if (scheme === "http") {
    return LOCAL_HTTP.test(uri) ? undefined : "must be https; http is for 127.0.0.1, [::1] and localhost only";
  }
  if (!scheme.includes(".")) return "must be https, or a private-use scheme that contains a dot";
  return confidentiality === "public" ? undefined : "must be https for a confidential application";
}

/**
 * Finds the registered redirect URI that a presented one is: the same string (RFC 9700 §2.1), or for public applications the same
 * but for the port, if it is `http://127.0.0.1` or `http://[::1]` (RFC 8252 §7.3, rule 36).
 * @returns the registered one, for the decision; the code is bound to the presented one
 */
export function matchRedirectUri(
  registered: readonly string[],
  presented: string,
  confidentiality: Confidentiality,
): string | undefined {
  if (registered.includes(presented)) return presented;
  if (confidentiality !== "public") return undefined;
  const wanted = withoutPort(presented);
  return wanted === undefined ? undefined : registered.find((uri) => withoutPort(uri) === wanted);
}

/**
 * Whether any local program could claim this redirect URI (RFC 8252 §8.6): then nothing completes without an interaction on our
 * page (rule 36). Loopback addresses and `localhost`, whatever the scheme, and private-use schemes; what cannot be read is, too.
 */
export function isNativeRedirectUri(uri: string): boolean {
  const url = URL.parse(uri);
  return url === null || url.protocol !== "https:" || isLoopbackHost(url.hostname);
}

/**
 * Whether a client has exactly one redirect URI and it is no loopback one (rule 6). Judge it when the code is issued.
 */
export function hasSoleRedirectUri(registered: readonly string[]): boolean {
  const [only, ...others] = registered;
  const host = only === undefined ? undefined : URL.parse(only)?.hostname;
  return others.length === 0 && host !== undefined && !isLoopbackHost(host);
}

/** The sector of a client whose subjects are pairwise: the one host of its redirect URIs, or undefined (OIDC Core §8.1). */
export function sectorOf(registered: readonly string[]): string | undefined {
  const [host, ...others] = new Set(registered.map((uri) => URL.parse(uri)?.hostname ?? ""));
  return others.length === 0 && host !== "" ? host : undefined;
}

/**
 * Adds parameters to a redirect URI's query and keeps the query that it has (RFC 6749 §3.1.2, rule 18).
 * @param parameters in the order to be written; absent values are left out
 */
export function appendParameters(uri: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const added = encodeParameters(parameters);
  if (added === "") return uri;
  if (!uri.includes("?")) return `${uri}?${added}`;
  return /[?&]$/.test(uri) ? uri + added : `${uri}&${added}`;
}

/** Adds parameters as the fragment of a redirect URI, for response mode `fragment`. A registered URI has none. */
export function appendFragment(uri: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const added = encodeParameters(parameters);
  return added === "" ? uri : `${uri}#${added}`;
}

function encodeParameters(parameters: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.append(name, value);
  }
  return query.toString();
}

function withoutPort(uri: string): string | undefined {
  const [, host, port = "80", rest = ""] = LOOPBACK_HTTP.exec(uri) ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > PORT_MAX) return undefined;
  return `http://${host}${rest}`;
}

// The host as a browser reads it: 0x7f.1 and 127.1 are 127.0.0.1 to it, and all of 127.0.0.0/8 is this machine.
function isLoopbackHost(host: string): boolean {
  return /^(?:127(?:\.[0-9]+){3}$|\[::1\]$|\[::ffff:7f|0\.0\.0\.0$|\[::\]$|(?:.*\.)?localhost\.?$)/.test(host);
}
