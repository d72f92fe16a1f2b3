import type { Queryable } from "../database/database.ts";
import { DatabaseUnavailable } from "../database/database-error.ts";
import type { ApplicationKey } from "../protocol/client-metadata.ts";
import { ID_BYTES, lowestIdOf } from "../protocol/token-id.ts";
import { insertEvents } from "../resources/event/queries.ts";
import { transactionWithEvents } from "../resources/event-transaction.ts";
import { addLiveCounts, wantRecount } from "../resources/live-count/queries.ts";
import { findTenant } from "../resources/tenant/queries.ts";
import {
  holdTokenRevocation,
  listDueRevocations,
  nextApplicationId,
  type Progress,
  postponeTokenRevocation,
  saveProgress,
  type TokenRevocation,
  type TokenRevocationKey,
} from "../resources/token-revocation/queries.ts";
import {
  AHEAD_MS_MAX,
  BEGAN_MS_MAX,
  isLate,
  LATE_MS,
  receiptOf,
  type Step,
  stepAfter,
} from "../resources/token-revocation/rules.ts";
import { type EndedPage, endRows } from "../resources/token-revocation-batch/queries.ts";
import type { Job, JobDeps } from "./job.ts";

const JOBS_A_ROUND = 20;
/** Most rounds of one run, so that a run ends: the next is soon. */
const ROUNDS_MAX = 10_000;
/** So many rows are looked at in one transaction: what others want of them waits for no longer. */
const ROWS_A_BATCH = 500;
/** So many pages one transaction reads, where applications have few tokens. */
const PAGES_A_BATCH = 50;
/** What fails by itself is tried again after so long. */
const RETRY_MS = 60_000;

/**
 * Ends the tokens that were asked for, in batches that are each one transaction: rows, counts and position move together, so whoever goes
 * on after a kill counts nothing twice, and of two nodes that try one has the job.
 */
export const tokenRevocationsJob: Job = {
  name: "token-revocations",
  everySeconds: 2,
  run: async (deps) => {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const nowMs = deps.clock.nowMs();
      const due = await deps.database.maintain((session) => listDueRevocations(session, nowMs, JOBS_A_ROUND));
      if (due.length === 0) return;
      for (const key of due) await goOn(deps, key);
    }
  },
};

/** Does one batch of a job. */
export async function goOn(deps: JobDeps, key: TokenRevocationKey): Promise<void> {
  await transactionWithEvents(deps, key.tenantId, (db) => endBatch(deps, db, key)).catch((error: unknown) =>
    putOff(deps, key, error),
  );
}

// What fails by itself must not keep the others from their turn.
async function putOff({ database, clock, log }: JobDeps, key: TokenRevocationKey, error: unknown): Promise<void> {
  if (error instanceof DatabaseUnavailable) throw error;
  log.error({ ...key, err: error }, "tokens could not be ended");
  await postponeTokenRevocation(database.tenants([key.tenantId]), key, clock.nowMs() + RETRY_MS);
}

/** What a batch is done with. */
interface Batch {
  readonly db: Queryable;
  readonly job: TokenRevocation;
  readonly nowMs: number;
  /** seconds of tenant time */
  readonly now: number;
}

async function endBatch({ clock }: JobDeps, db: Queryable, key: TokenRevocationKey): Promise<void> {
  const nowMs = clock.nowMs();
  const job = await holdTokenRevocation(db, key, nowMs);
  const tenant = await findTenant(db, key.tenantId);
  if (job === undefined || tenant === undefined) return;
  const batch = { db, job, nowMs, now: Math.floor(nowMs / 1_000) + tenant.clockOffsetSeconds };
  let progress: Progress = job;
  let left = ROWS_A_BATCH;
  for (let page = 0; page < PAGES_A_BATCH && left > 0 && progress.step === job.step; page += 1) {
    const before = progress.counts.lookedAt;
    progress = await endPage(batch, progress, left);
    left -= progress.counts.lookedAt - before;
  }
  const isWaiting = isLate(progress.step) && !isLate(job.step);
  const dueAtMs = isWaiting ? Math.max(nowMs, job.createdAtMs + LATE_MS) : nowMs;
  await saveProgress(db, key, progress, { nowMs, dueAtMs });
  if (progress.step === "done") await finish(batch, progress);
}

/** Looks at the next rows of the application that it is at, or goes on to the next application or step. */
async function endPage(batch: Batch, progress: Progress, limit: number): Promise<Progress> {
  const { db, job } = batch;
  const { step, position } = progress;
  const applicationId = position.applicationId ?? (await nextApplication(batch, ""));
  if (applicationId === undefined) return nextStep(batch, progress);
  const key = { tenantId: job.key.tenantId, realmId: job.key.realmId, applicationId };
  const after = position.after === undefined ? firstIdOf(job, step) : Buffer.from(position.after, "base64url");
  const ended = await endRows(db, step.endsWith("families") ? "grants" : "tokens", key, {
    asked: job,
    page: { after, before: lowestIdOf(position.beforeMs), limit },
    revokedAt: Math.max(batch.now, job.judgedAt + 1),
  });
  if (job.until === undefined) await uncount(db, key, ended);
  const counted = count(progress, ended);
  if (ended.lookedAt === limit && ended.lastId !== undefined)
    return { ...counted, position: { ...position, applicationId, after: ended.lastId.toString("base64url") } };
  const next = await nextApplication(batch, applicationId);
  if (next === undefined) return nextStep(batch, counted);
  return { ...counted, position: { beforeMs: position.beforeMs, applicationId: next } };
}

async function nextApplication({ db, job }: Batch, after: string): Promise<string | undefined> {
  const only = job.filter.application_id;
  if (only === undefined) return nextApplicationId(db, job.key, after);
  return after === "" ? only : undefined;
}

// Tokens of a family may have been made until it was ended: none after that.
function nextStep({ nowMs }: Batch, progress: Progress): Progress {
  return { ...progress, step: stepAfter(progress.step), position: { beforeMs: nowMs + AHEAD_MS_MAX } };
}

function firstIdOf({ createdAtMs }: TokenRevocation, step: Step): Buffer {
  return isLate(step) ? lowestIdOf(createdAtMs - BEGAN_MS_MAX) : Buffer.alloc(ID_BYTES);
}

// What is late was looked at before, if it was there: only what is changed now was not.
function count(progress: Progress, ended: EndedPage): Progress {
  const { step, counts, acceptedOfflineUntil: until } = progress;
  const { matched, live, changed } = isLate(step) ? { ...ended, matched: ended.changed, live: ended.changed } : ended;
  const own = step.endsWith("families") ? ("families" as const) : ("tokens" as const);
  const ends = [until, ended.acceptedOfflineUntil].filter((end) => end !== undefined);
  return {
    ...progress,
    counts: {
      ...counts,
      lookedAt: counts.lookedAt + ended.lookedAt,
      [`${own}Matched`]: counts[`${own}Matched`] + matched,
      [`${own}Dead`]: counts[`${own}Dead`] + matched - live,
      [`${own}Changed`]: counts[`${own}Changed`] + changed,
    },
    acceptedOfflineUntil: ends.length === 0 ? undefined : Math.max(...ends),
  };
}

// What ended is not live any more, on whichever node it was counted.
async function uncount(db: Queryable, key: ApplicationKey, { endedSlots }: EndedPage): Promise<void> {
  if (endedSlots.length === 0) return;
  await addLiveCounts(
    db,
    endedSlots.map(({ endsAt, live }) => ({ ...key, kind: "token" as const, endsAt, change: -live })),
  );
}

// An exact count while the job ran may have taken off what the job took off, too.
async function finish({ db, job, nowMs }: Batch, progress: Progress): Promise<void> {
  const { key, until, filter, source } = job;
  await wantRecount(db, [key.tenantId], nowMs);
  const event = { type: "TokenOperation", action: until === undefined ? "DELETE" : "UPDATE" } as const;
  const resource = { type: "TokenRevocation", id: key.revocationId };
  const facts = { filter, ...(until === undefined ? {} : { until }), ...receiptOf(progress) };
  await insertEvents(db, key.tenantId, [{ ...event, ...source, atMs: nowMs, realmId: key.realmId, resource, facts }]);
}
