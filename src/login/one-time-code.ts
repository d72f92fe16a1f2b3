import type { Random } from "../platform/random.ts";

/** How long a code works, in seconds of tenant time (issue 2, reference 6 #66). */
export const CODE_LIFETIME_SECONDS = 600;
/** Guesses that one login has, however many codes were mailed for it (reference 3.5). */
export const CODE_TRIES_MAX = 5;
/** Digits of a code; more while many codes are guessed in a realm, so that guessing pays a hundred times less and nobody is locked out. */
export const CODE_DIGITS = { usual: 6, whileGuessed: 8 } as const;
const TEST_CODE = "424242";

/** A new code; in a test tenant always the same, and nowhere else (rule 41). */
export function newCode(random: Random, tenantKind: "production" | "test", digits: number = CODE_DIGITS.usual): string {
  if (tenantKind === "test") return TEST_CODE;
  return String(random.below(10 ** digits)).padStart(digits, "0");
}

/** A code as people type it: with spaces or a hyphen between the digits. Undefined: it cannot be one, and costs no try. */
export function readCode(typed: string | undefined): string | undefined {
  const digits = (typed ?? "").replace(/[\s-]/g, "");
  return /^[0-9]{6}(?:[0-9]{2})?$/.test(digits) ? digits : undefined;
}
