import { createClock } from "../platform/clock.ts";

const STALE_AFTER_SECONDS = 15;
const STALE_AFTER_SECONDS_MAX = 86_400;
/** The feed forgets a token five minutes after its `exp`: by a later clock a revoked one would be accepted again. */
const CLOCK_TOLERANCE_SECONDS_MAX = 300;

/** How a verifier hears of tokens that end before their `exp`. */
export interface FeedOptions {
  /** the Authorization header of the feed: Basic of an introspector of the audience, or Bearer with `tokens:introspect` */
  readonly authorization: string | (() => string | Promise<string>);
  /** where it is, if not below the issuer's realm */
  readonly url?: string;
  /** for how long the feed may be silent before what it said is stale, 1 to 86,400; 15 if absent */
  readonly staleAfterSeconds?: number;
  /** what becomes of a token then, and before the feed was heard for the first time: `refuse` if absent */
  readonly whenStale?: "refuse" | "accept";
  /** told of each connection that failed or was lost */
  readonly onError?: (error: Error) => void;
}

/** Whose tokens are accepted, and for whom. */
export interface VerifierOptions {
  /** the issuers, to the letter: of one realm, and in realm mode, or where no realm is in its path, one */
  readonly issuer: string | readonly string[];
  /** where the realm's keys are fetched from, if not at the issuer: inside a network, say */
  readonly keysUrl?: string;
  /** the identifier of the resource server that this is */
  readonly audience: string;
  /** absent, and not `undefined`: a token is accepted until its `exp` */
  readonly feed?: FeedOptions;
  /** how many seconds another clock may differ, at most 300; 0 if absent */
  readonly clockToleranceSeconds?: number;
  /** the time, in seconds since 1970: of a test tenant whose clock was moved; the machine's if absent */
  readonly nowSeconds?: () => number;
  /** milliseconds that only grow, by which keys and feed grow old; the machine's if absent */
  readonly monotonicMs?: () => number;
  /** told of each try to fetch the keys that failed */
  readonly onError?: (error: Error) => void;
}

/** Options that were judged, and what they leave open. */
export interface Settings {
  readonly issuers: readonly string[];
  readonly keysUrl: string | undefined;
  readonly audience: string;
  readonly feed: FeedSettings | undefined;
  readonly clockToleranceSeconds: number;
  readonly nowSeconds: () => number;
  readonly monotonicMs: () => number;
  readonly onError: (error: Error) => void;
}

/** Where a feed is, and what holds without it. */
export interface FeedSettings {
  /** with the audience */
  readonly url: string;
  readonly authorization: () => string | Promise<string>;
  readonly staleAfterSeconds: number;
  readonly whenStale: "refuse" | "accept";
  readonly onError: (error: Error) => void;
}

const FUNCTIONS = ["nowSeconds", "monotonicMs", "onError"];
const OPTIONS = ["issuer", "keysUrl", "audience", "feed", "clockToleranceSeconds", ...FUNCTIONS];
const FEED_OPTIONS = ["authorization", "url", "staleAfterSeconds", "whenStale", "onError"];

/**
 * Judges a verifier's options: JavaScript passes anything, and a verifier that took it would accept what it should not. A misspelt option
 * is refused like a wrong one.
 *
 * @throws TypeError
 */
export function readOptions(options: VerifierOptions): Settings {
  demandMembers(options, OPTIONS, "the options");
  const { audience, keysUrl, clockToleranceSeconds = 0 } = options;
  const { nowSeconds = machineSeconds, monotonicMs = createClock().monotonicMs, onError = ignore } = options;
  const issuers = [options.issuer].flat();
  demand(issuers.length > 0 && issuers.every(isHttpUrl), "issuer", "one or more http or https URLs");
  const [realm] = issuers.map(realmOf);
  // Of an issuer whose path names no realm, it is not known whether another is of the same.
  const [, ...others] = new Set(issuers.map((issuer) => realmOf(issuer) ?? issuer));
  demand(others.length === 0, "issuer", "of one realm, or one where no realm is in its path");
  demand(keysUrl === undefined || isHttpUrl(keysUrl), "keysUrl", "an http or https URL");
  demand(isText(audience), "audience", "a string that is not empty");
  demand(
    isWithin(clockToleranceSeconds, 0, CLOCK_TOLERANCE_SECONDS_MAX),
    "clockToleranceSeconds",
    `a number from 0 to ${CLOCK_TOLERANCE_SECONDS_MAX}`,
  );
  for (const [name, value] of Object.entries({ nowSeconds, monotonicMs, onError }))
    demand(typeof value === "function", name, "a function");
  return {
    issuers,
    keysUrl,
    audience,
    // A feed that is lost on its way from a configuration would let in what was revoked.
    feed: "feed" in options ? readFeedOptions(options.feed, { realm, audience }) : undefined,
    clockToleranceSeconds,
    nowSeconds,
    monotonicMs,
    onError,
  };
}

function readFeedOptions(
  options: FeedOptions | undefined,
  of: { readonly realm: string | undefined; readonly audience: string },
): FeedSettings {
  demandMembers(options, FEED_OPTIONS, "feed");
  const { authorization, staleAfterSeconds = STALE_AFTER_SECONDS, whenStale = "refuse", onError = ignore } = options;
  demand(
    isText(authorization) || typeof authorization === "function",
    "feed.authorization",
    "a string that is not empty, or a function",
  );
  const { url = of.realm && `${of.realm}/revocations:feed` } = options;
  demand(isHttpUrl(url), "feed.url", "an http or https URL where the issuer has no realm in its path");
  demand(
    isWithin(staleAfterSeconds, 1, STALE_AFTER_SECONDS_MAX),
    "feed.staleAfterSeconds",
    `a number from 1 to ${STALE_AFTER_SECONDS_MAX}`,
  );
  demand(whenStale === "refuse" || whenStale === "accept", "feed.whenStale", '"refuse" or "accept"');
  demand(typeof onError === "function", "feed.onError", "a function");
  const place = new URL(url);
  place.searchParams.set("audience", of.audience);
  const ask = typeof authorization === "string" ? () => authorization : authorization;
  return { url: place.href, authorization: ask, staleAfterSeconds, whenStale, onError };
}

/** By the machine's clock as it is now: it may have been set since the verifier was made. */
function machineSeconds(): number {
  return createClock().nowSeconds();
}

function ignore(): void {
  // Who wants to hear of failures passes a function.
}

/** The realm's URL, of an issuer that has one in its path. */
function realmOf(issuer: string): string | undefined {
  return /^.*\/v1\/tenants\/[^/]+\/realms\/[^/]+/.exec(issuer)?.[0];
}

/**
 * Judges that this is an object of these members alone.
 *
 * @throws TypeError
 */
export function demandMembers(value: unknown, names: readonly string[], what: string): asserts value is object {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  demand(isObject, what, "an object");
  const unknown = isObject ? Object.keys(value).find((name) => !names.includes(name)) : undefined;
  demand(unknown === undefined, what, `an object without ${unknown}: there are ${names.join(", ")}`);
}

/**
 * Judges an option.
 *
 * @throws TypeError
 */
export function demand(holds: boolean, option: string, rule: string): asserts holds {
  if (!holds) throw new TypeError(`${option} must be ${rule}`);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isHttpUrl(value: unknown): value is string {
  return typeof value === "string" && /^https?:\/\//.test(value) && URL.canParse(value);
}

// Of a number that is none, neither comparison holds.
function isWithin(value: unknown, min: number, max: number): boolean {
  return typeof value === "number" && value >= min && value <= max;
}
