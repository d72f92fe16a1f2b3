// What bounds a token besides its lifetime: how often it may be used, and from when (rules 17 and 28).

import type { TokenFormat } from "./client-metadata.ts";
import { LIFETIME_SECONDS_MAX } from "./lifetime.ts";
import { OAuthError, quoteValue } from "./oauth-error.ts";

/** Most uses that a token may be bounded to: more is no bound that anybody means. */
const USES_MAX = 1_000_000;

/**
 * Reads `max_uses`.
 * @returns 1 to `USES_MAX`; undefined when absent or empty: as often as it is wanted
 * @throws OAuthError `invalid_request` for any other spelling
 */
export function parseMaxUses(raw: string | undefined): number | undefined {
  if (raw === undefined || raw === "") return undefined;
  const uses = /^[1-9][0-9]{0,6}$/.test(raw) ? Number(raw) : Number.POSITIVE_INFINITY;
  if (uses <= USES_MAX) return uses;
  throw new OAuthError(
    "invalid_request",
    `max_uses must be a whole number from 1 to ${USES_MAX} without a leading zero; ${quoteValue(raw)} is not`,
  );
}

/**
 * Refuses a bound of uses where nobody could count them: who checks a self-contained token by itself tells us nothing.
 * @throws OAuthError `invalid_request`
 */
export function checkUsesCountable(maxUses: number | undefined, format: TokenFormat): void {
  if (maxUses === undefined || format === "referential") return;
  throw new OAuthError(
    "invalid_request",
    "max_uses needs an application whose token_format is referential: uses of self-contained tokens cannot be counted",
  );
}

/**
 * Reads `not_before`: the instant from which the token is valid (`nbf`, RFC 7519 §4.1.5), as seconds since 1970.
 * @param bounds `now`, and how far ahead it may lie: as long as a token of this application may live
 * @returns undefined when absent or empty: from its issue on
 * @throws OAuthError `invalid_request` for any other spelling, for an instant that is over, or one that is too far ahead
 */
export function parseNotBefore(
  raw: string | undefined,
  bounds: { readonly now: number; readonly aheadSecondsMax: number },
): number | undefined {
  if (raw === undefined || raw === "") return undefined;
  if (!/^[1-9][0-9]{0,10}$/.test(raw)) {
    throw new OAuthError(
      "invalid_request",
      `not_before must be whole seconds since 1970 without a leading zero; ${quoteValue(raw)} is not`,
    );
  }
  const instant = Number(raw);
  if (instant < bounds.now) {
    throw new OAuthError("invalid_request", `not_before ${raw} is over: it is ${bounds.now} now`);
  }
  if (instant > bounds.now + bounds.aheadSecondsMax) {
    throw new OAuthError(
      "invalid_request",
      `not_before ${raw} is more than ${bounds.aheadSecondsMax} seconds ahead, the longest that a token of this application may live (token_configuration.expires_after); it is ${bounds.now} now`,
    );
  }
  return instant;
}

/**
 * Refuses a token that begins so late that it ends beyond the longest life that there is (rule 31): its id would name a time for which
 * nothing is looked up, so that it could not be revoked.
 * @throws OAuthError `invalid_request`
 */
export function checkEndReachable(
  notBefore: number | undefined,
  { issuedAt, expiresAt }: { readonly issuedAt: number; readonly expiresAt: number },
): void {
  if (notBefore === undefined || expiresAt - issuedAt <= LIFETIME_SECONDS_MAX) return;
  throw new OAuthError(
    "invalid_request",
    `not_before ${notBefore} is too late for a token of ${expiresAt - notBefore} seconds: it may end ${LIFETIME_SECONDS_MAX} seconds from now at the latest`,
  );
}
