import { OAuthError, quoteValue } from "./oauth-error.ts";

/**
 * Reads `expiration_time`: the table of mayfly.md §2. Bounds are not judged here but by `decideLifetime`.
 * @returns seconds, 1 to 9,999,999,999; undefined when absent or empty
 * @throws OAuthError `invalid_request` for any other spelling: signs, fractions, exponents, other bases, leading zeros, spaces
 */
export function parseExpirationTime(raw: string | undefined): number | undefined {
  if (raw === undefined || raw === "") return undefined;
  if (/^[1-9][0-9]{0,9}$/.test(raw)) return Number(raw);
  throw new OAuthError(
    "invalid_request",
    `expiration_time must be a whole number of seconds, 1 to 10 decimal digits without a leading zero; ${quoteValue(raw)} is not`,
  );
}
