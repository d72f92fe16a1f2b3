import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { createClock } from "../platform/clock.ts";
import { followFeed } from "./feed-client.ts";
import { demand, readOptions, type VerifierOptions } from "./options.ts";
import { TokenRefused } from "./refused-token.ts";

export { claimsOf, expressVerifier, fastifyVerifier } from "./middleware.ts";
export type { FeedOptions, VerifierOptions } from "./options.ts";
export { type RefusalCode, TokenRefused } from "./refused-token.ts";

const ALGORITHMS = ["RS256", "ES256", "PS256", "EdDSA"];
/** Keys are published longer before they sign than this. */
const KEYS_KEPT_MS = 300_000;
const KEYS_TIMEOUT_MS = 3_000;

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
  /** Resolves when the feed was heard: before that, `whenStale` decides. At once where there is no feed. */
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
  const { issuers, keysUrl, audience, feed, clockToleranceSeconds, nowSeconds } = readOptions(options);
  const keys = new Map(issuers.map((issuer) => [issuer, keysOf(issuer, keysUrl)]));
  const { monotonicMs } = createClock();
  const followed = feed && followFeed({ ...feed, monotonicMs });
  const staleMs = (feed?.staleAfterSeconds ?? 0) * 1_000;
  const isStale = (): boolean => followed !== undefined && !(followed.ageMs() <= staleMs);
  return {
    ready: followed?.ready ?? Promise.resolve(),
    isStale,
    close: () => followed?.close(),
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

type Keys = ReadonlyMap<string, { readonly url: string; readonly find: JWTVerifyGetKey }>;

function keysOf(issuer: string, keysUrl: string | undefined): { readonly url: string; readonly find: JWTVerifyGetKey } {
  const url = `${issuer}/.well-known/jwks.json`;
  return {
    url,
    find: createRemoteJWKSet(new URL(keysUrl ?? url), { cacheMaxAge: KEYS_KEPT_MS, timeoutDuration: KEYS_TIMEOUT_MS }),
  };
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
    // Ours name their key, also where a realm has two of one algorithm.
    cause instanceof errors.JWKSMultipleMatchingKeys ||
    cause instanceof errors.JOSEAlgNotAllowed ||
    cause instanceof errors.JOSENotSupported;
  if (isAboutToken) return new TokenRefused("invalid", "the token is not valid here", { cause });
  return new TokenRefused("unavailable", "the issuer's keys cannot be had", { cause });
}
