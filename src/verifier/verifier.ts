import { setTimeout as sleep } from "node:timers/promises";
import { errors, type JWTPayload, jwtVerify } from "jose";
import { followFeed } from "./feed-client.ts";
import { createIssuerKeys, type IssuerKeys, KeysGone } from "./issuer-keys.ts";
import { demand, readOptions, type VerifierOptions } from "./options.ts";
import { TokenRefused } from "./refused-token.ts";

export { claimsOf, expressVerifier, fastifyVerifier } from "./middleware.ts";
export type { FeedOptions, VerifierOptions } from "./options.ts";
export { type RefusalCode, TokenRefused } from "./refused-token.ts";

const ALGORITHMS = ["RS256", "ES256", "PS256", "EdDSA"];
const KEYS_RETRY_MS = 1_000;

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
   * @throws TypeError where `nowSeconds` gives no time
   */
  verify(token: string): Promise<AccessTokenClaims>;
  /**
   * Resolves when the keys are there, and the feed was heard: before that, `whenStale` decides. It tries as long as that takes, and
   * rejects where an issuer answers that it has no keys. Nothing is tried, and nothing rejects, before it is read.
   */
  readonly ready: Promise<void>;
  /** whether the feed was silent for too long, or never heard; false where there is none */
  isStale(): boolean;
  close(): void;
}

/**
 * Makes a verifier of self-contained access tokens (RFC 9068): by the pinned issuer's keys, and by the feed of those that ended. Make one,
 * and keep it.
 *
 * @throws TypeError where an option is missing, misspelt or wrong
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const { issuers, keysUrl, audience, feed, clockToleranceSeconds, nowSeconds, ...own } = readOptions(options);
  const { monotonicMs } = own;
  const staleMs = (feed?.staleAfterSeconds ?? 0) * 1_000;
  // Keys and feed are lost apart: who refuses what may have ended, is not to go on by keys that may have been compromised.
  const awayMsMax = feed?.whenStale === "refuse" ? staleMs : Number.POSITIVE_INFINITY;
  const keys = new Map(
    issuers.map((issuer) => [issuer, createIssuerKeys({ ...own, url: keysUrl ?? jwksUrlOf(issuer), awayMsMax })]),
  );
  const closing = new AbortController();
  const followed = feed && followFeed({ ...feed, monotonicMs });
  const isStale = (): boolean => followed !== undefined && !(followed.ageMs() <= staleMs);
  let ready: Promise<void> | undefined;
  return {
    get ready() {
      ready ??= whenReady([followed?.ready, ...[...keys.values()].map((of) => loadKeys(of, closing.signal))]);
      return ready;
    },
    isStale,
    close: () => {
      closing.abort();
      followed?.close();
    },
    verify: async (token) => {
      const now = nowSeconds();
      const currentDate = new Date(now * 1_000);
      // At a time that is none, no token would be over.
      demand(!Number.isNaN(currentDate.getTime()), "what nowSeconds gives", "seconds since 1970");
      const claims = await readClaims(token, keys, { audience, clockTolerance: clockToleranceSeconds, currentDate });
      // Revoked is revoked, however old that is.
      const end = followed?.endOf(claims.jti);
      if (end !== undefined && !(now - clockToleranceSeconds < end))
        throw new TokenRefused("revoked", "the token ended before its time");
      if (isStale() && feed?.whenStale !== "accept")
        throw new TokenRefused("stale", "whether the token was revoked is not known");
      return claims;
    },
  };
}

type Keys = ReadonlyMap<string, IssuerKeys>;

function jwksUrlOf(issuer: string): string {
  return `${issuer}/.well-known/jwks.json`;
}

/** Who awaits it hears of its failure; who only reads it, as a copy of the verifier does, does not end by it. */
function whenReady(parts: readonly (Promise<void> | undefined)[]): Promise<void> {
  const ready = Promise.all(parts).then(() => undefined);
  ready.catch(() => undefined);
  return ready;
}

/**
 * Loads keys, again and again, until they are there.
 *
 * @throws KeysGone
 */
async function loadKeys(keys: IssuerKeys, closing: AbortSignal): Promise<void> {
  while (!closing.aborted) {
    try {
      return await keys.load();
    } catch (error) {
      if (error instanceof KeysGone) throw error;
      await sleep(KEYS_RETRY_MS, undefined, { signal: closing }).catch(() => undefined);
    }
  }
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
    if (protectedHeader.jku !== undefined && protectedHeader.jku !== jwksUrlOf(issuer))
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
    // Ours name their key, also where a realm has two of one algorithm.
    cause instanceof errors.JWKSMultipleMatchingKeys ||
    cause instanceof errors.JOSEAlgNotAllowed ||
    cause instanceof errors.JOSENotSupported;
  if (isAboutToken) return new TokenRefused("invalid", "the token is not valid here", { cause });
  return new TokenRefused("unavailable", "the issuer's keys cannot be had", { cause });
}
