import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { createClock } from "../platform/clock.ts";
import { type FeedClient, followFeed } from "./feed-client.ts";
import { TokenRefused } from "./refused-token.ts";

export { claimsOf, expressVerifier, fastifyVerifier } from "./middleware.ts";
export { type RefusalCode, TokenRefused } from "./refused-token.ts";

const ALGORITHMS = ["RS256", "ES256", "PS256", "EdDSA"];
const STALE_AFTER_SECONDS = 15;
/** Keys are published longer before they sign than this. */
const KEYS_KEPT_MS = 300_000;
const KEYS_TIMEOUT_MS = 3_000;

/** How a verifier hears of tokens that end before their `exp`. */
export interface FeedOptions {
  /** the Authorization header of the feed: Basic of an introspector of the audience, or Bearer with `tokens:introspect` */
  readonly authorization: string | (() => string | Promise<string>);
  /** where it is, if not below the issuer's realm */
  readonly url?: string;
  /** for how long the feed may be silent before what it said is stale; 15 if absent */
  readonly staleAfterSeconds?: number;
  /** what becomes of a token then, and before the feed was heard for the first time: `refuse` if absent */
  readonly whenStale?: "refuse" | "accept";
  /** told of each connection that failed or was lost */
  readonly onError?: (error: Error) => void;
}

/** Whose tokens are accepted, and for whom. */
export interface VerifierOptions {
  /** the issuers, to the letter: of one realm, and in realm mode one */
  readonly issuer: string | readonly string[];
  /** where the realm's keys are fetched from, if not at the issuer: inside a network, say */
  readonly keysUrl?: string;
  /** the identifier of the resource server that this is */
  readonly audience: string;
  /** absent: a token is accepted until its `exp` */
  readonly feed?: FeedOptions;
  /** how many seconds another clock may differ; 0 if absent */
  readonly clockToleranceSeconds?: number;
  /** the time, in seconds since 1970: of a test tenant whose clock was moved; the machine's if absent */
  readonly nowSeconds?: () => number;
}

/** What an accepted token says (RFC 9068 §2.2). */
export interface AccessTokenClaims extends JWTPayload {
  readonly iss: string;
  readonly sub: string;
  readonly client_id: string;
  readonly jti: string;
  readonly exp: number;
  readonly scope?: string;
}

/** Judges tokens without asking. */
export interface Verifier {
  /**
   * Judges a token.
   *
   * @throws TokenRefused
   */
  verify(token: string): Promise<AccessTokenClaims>;
  /** Resolves when the feed was heard: before that, `whenStale` decides. At once where there is no feed. */
  readonly ready: Promise<void>;
  /** whether the feed was silent for too long, or never heard; false where there is none */
  isStale(): boolean;
  close(): void;
}

/**
 * Makes a verifier of self-contained access tokens (RFC 9068): by the pinned issuer's keys, and by the feed of those that ended. Make one,
 * and keep it.
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const { audience, clockToleranceSeconds: clockTolerance = 0, nowSeconds = machineSeconds } = options;
  const keys = new Map([options.issuer].flat().map((issuer) => [issuer, keysOf(issuer, options.keysUrl)]));
  const [first] = keys.keys();
  if (first === undefined) throw new TypeError("a verifier needs an issuer");
  const { monotonicMs } = createClock();
  const feed = options.feed && followFeedOf(options.feed, { issuer: first, audience, monotonicMs });
  const { staleAfterSeconds = STALE_AFTER_SECONDS, whenStale = "refuse" } = options.feed ?? {};
  const isStale = (): boolean => feed !== undefined && feed.ageMs() > staleAfterSeconds * 1_000;
  return {
    ready: feed?.ready ?? Promise.resolve(),
    isStale,
    close: () => feed?.close(),
    verify: async (token) => {
      const now = nowSeconds();
      const claims = await readClaims(token, keys, { audience, clockTolerance, currentDate: new Date(now * 1_000) });
      // Revoked is revoked, however old that is.
      const end = feed?.endOf(claims.jti);
      if (end !== undefined && now - clockTolerance >= end)
        throw new TokenRefused("revoked", "the token ended before its time");
      if (isStale() && whenStale === "refuse")
        throw new TokenRefused("stale", "whether the token was revoked is not known");
      return claims;
    },
  };
}

/** By the machine's clock as it is now: it may have been set since the verifier was made. */
function machineSeconds(): number {
  return createClock().nowSeconds();
}

type Keys = ReadonlyMap<string, { readonly url: string; readonly find: JWTVerifyGetKey }>;

function keysOf(issuer: string, keysUrl: string | undefined): { readonly url: string; readonly find: JWTVerifyGetKey } {
  const url = `${issuer}/.well-known/jwks.json`;
  return {
    url,
    find: createRemoteJWKSet(new URL(keysUrl ?? url), { cacheMaxAge: KEYS_KEPT_MS, timeoutDuration: KEYS_TIMEOUT_MS }),
  };
}

function followFeedOf(
  { authorization, url, onError = () => undefined }: FeedOptions,
  of: { readonly issuer: string; readonly audience: string; readonly monotonicMs: () => number },
): FeedClient {
  const feed = new URL(url ?? feedUrlOf(of.issuer));
  feed.searchParams.set("audience", of.audience);
  const ask = typeof authorization === "string" ? () => authorization : authorization;
  return followFeed({ url: feed.href, authorization: ask, monotonicMs: of.monotonicMs, onError });
}

function feedUrlOf(issuer: string): string {
  const [realm] = /^.*\/v1\/tenants\/[^/]+\/realms\/[^/]+/.exec(issuer) ?? [];
  if (realm === undefined) throw new TypeError("the issuer has no realm in its path: name the feed's url");
  return `${realm}/revocations:feed`;
}

async function readClaims(
  token: string,
  keys: Keys,
  rules: { readonly audience: string; readonly clockTolerance: number; readonly currentDate: Date },
): Promise<AccessTokenClaims> {
  const issuer = issuerOf(token);
  if (issuer === undefined)
    throw new TokenRefused("invalid", "the token is no JWT of an issuer: an opaque one is asked of introspection");
  const pinned = keys.get(issuer);
  if (pinned === undefined) throw new TokenRefused("invalid", "the token is of another issuer");
  try {
    const { payload, protectedHeader } = await jwtVerify<AccessTokenClaims>(token, pinned.find, {
      ...rules,
      issuer,
      typ: "at+jwt",
      algorithms: ALGORITHMS,
      requiredClaims: ["exp", "iat", "sub", "client_id", "jti"],
    });
    // Rule 34: what a token says of its keys is never followed, and must be what is pinned.
    if (protectedHeader.jku !== undefined && protectedHeader.jku !== pinned.url)
      throw new TokenRefused("invalid", "the token names other keys");
    return payload;
  } catch (error) {
    throw toRefusal(error);
  }
}

/** Which of the pinned issuers a token claims to be of; whether it is, its signature says. */
function issuerOf(token: string): string | undefined {
  try {
    const [, payload = ""] = token.split(".");
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString());
    const iss = typeof claims === "object" && claims !== null && "iss" in claims ? claims.iss : undefined;
    return typeof iss === "string" ? iss : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function toRefusal(cause: unknown): unknown {
  if (cause instanceof TokenRefused) return cause;
  if (cause instanceof errors.JWTExpired) return new TokenRefused("expired", "the token has expired", { cause });
  const isAboutToken =
    cause instanceof errors.JWTClaimValidationFailed ||
    cause instanceof errors.JWTInvalid ||
    cause instanceof errors.JWSInvalid ||
    cause instanceof errors.JWSSignatureVerificationFailed ||
    cause instanceof errors.JWKSNoMatchingKey ||
    cause instanceof errors.JOSEAlgNotAllowed ||
    cause instanceof errors.JOSENotSupported;
  if (isAboutToken) return new TokenRefused("invalid", "the token is not valid here", { cause });
  return new TokenRefused("unavailable", "the issuer's keys cannot be had", { cause });
}
