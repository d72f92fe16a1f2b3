import type { Checked } from "../settings.ts";
import type { Progress } from "./queries.ts";
import type { TokenFilter, TokenRevocationAnswer, TokenRevocationBody } from "./schema.ts";

/** The steps of the job, in their order. Families come first: then no new token can come of one that is ended. */
export const STEPS = ["families", "tokens", "late_families", "late_tokens", "done"] as const;
export type Step = (typeof STEPS)[number];

/** Most jobs of a realm that are not done. */
export const RUNNING_MAX = 20;
/** Done jobs are shown so long. */
export const KEPT_MS = 90 * 86_400_000;
/**
 * A request that was under way when the job was made has recorded its tokens by then: it waits two seconds for a batch at most, which is
 * sent again for three, by statements of three (database/batch.ts).
 */
export const LATE_MS = 15_000;
/** When such a request may have begun: its body may come slowly, and its tokens' ids say when it began. */
export const BEGAN_MS_MAX = 120_000;
/** So far nodes' clocks may be apart, and the second in which the job is made goes on. */
export const AHEAD_MS_MAX = 5_000;

/** What was asked, complete, in seconds of tenant time. */
export interface AskedEnding {
  readonly filter: TokenFilter;
  readonly issuedBefore: number;
  /** undefined: tokens are revoked */
  readonly until: number | undefined;
}

/** What a body asks for, or what is wrong with it. */
export function askedEnding(body: TokenRevocationBody, now: number): Checked<AskedEnding> {
  const { action = "revoke", filter, expiration_time: seconds } = body;
  const violations = [];
  if (action === "shorten" && seconds === undefined)
    violations.push({ field: "token_revocation.expiration_time", description: "is needed to shorten" });
  if (action === "revoke" && seconds !== undefined)
    violations.push({ field: "token_revocation.expiration_time", description: "is for shortening alone" });
  if (filter.issued_before !== undefined && filter.issued_before > now + 1)
    violations.push({ field: "token_revocation.filter.issued_before", description: "lies in the future" });
  if (violations.length > 0) return { ok: false, violations };
  const issuedBefore = filter.issued_before ?? now + 1; // what was issued in this very second, too
  return { ok: true, value: { filter, issuedBefore, until: seconds === undefined ? undefined : now + seconds } };
}

/** The one row whose `tokens_valid_after` says all that a filter means (settled 3). */
export function holderOf({ filter, until }: AskedEnding): "application" | "identity" | undefined {
  const { application_id, identity_id, group_id, key_id, scope } = filter;
  if (until !== undefined || group_id !== undefined || key_id !== undefined || scope !== undefined) return undefined;
  if (application_id !== undefined && identity_id !== undefined) return undefined;
  if (application_id !== undefined) return "application";
  return identity_id === undefined ? undefined : "identity";
}

/** The step after one. */
export function stepAfter(step: Step): Step {
  return STEPS[STEPS.indexOf(step) + 1] ?? "done";
}

/** Whether a step looks for what came late, rows that the steps before have not counted. */
export function isLate(step: Step): boolean {
  return step === "late_families" || step === "late_tokens";
}

/** What was done, as far as a job has come: for its answer, and for the event that it is done. */
export function receiptOf({
  counts,
  acceptedOfflineUntil,
}: Pick<Progress, "counts" | "acceptedOfflineUntil">): TokenRevocationAnswer["receipt"] {
  return {
    matched: counts.tokensMatched + counts.familiesMatched,
    already_dead: counts.tokensDead + counts.familiesDead,
    changed: counts.tokensChanged + counts.familiesChanged,
    access_tokens: counts.tokensMatched,
    refresh_families: counts.familiesMatched,
    accepted_offline_until: acceptedOfflineUntil ?? null,
  };
}
