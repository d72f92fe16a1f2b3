import type { Database } from "../../database/database.ts";
import { DatabaseUnavailable } from "../../database/database-error.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Log } from "../../platform/log.ts";
import { slicesOf } from "../../platform/slices.ts";
import type { ApplicationKey } from "../../protocol/client-metadata.ts";
import {
  type EndedRow,
  findQuotaReached,
  type LivePeriod,
  type QuotaReached,
  type Quotas,
  slotOf,
} from "../../protocol/live-count.ts";
import {
  addLiveCounts,
  CHANGES_A_STATEMENT_MAX,
  type CountedKind,
  RECOUNT_EVERY_MS,
  readLiveCounts,
  wantRecount,
} from "./queries.ts";
import {
  applicationOf,
  applyStored,
  countChange,
  createTenantCount,
  liveOf,
  putBack,
  setQuotas,
  type TenantCount,
  takePending,
} from "./tenant-count.ts";

/** What one node counts reaches the others in twice this time at most: a quota is passed by one second of issue (settled 13). */
const EXCHANGE_EVERY_MS = 500;
/** Nobody is refused by a count that is older. */
const STALE_MS_MAX = 1_000;
/** A tenant that is far from its quotas and issues little is looked at so often. */
const READ_EVERY_MS = 60_000;
const TENANTS_MAX = 10_000;
const FORGET_TRIES_MAX = 16;
const TENANTS_A_STATEMENT_MAX = 64;
/** What is full stays full for a while: the next end may be far, and a quota may be raised. */
const RETRY_AFTER_SECONDS_MAX = 60;

/** A quota that refuses, and when to ask again. */
export interface Refusal extends QuotaReached {
  readonly retryAfterSeconds: number;
}

/** Under which conditions one more is wanted. */
export interface Wanted {
  readonly quotas: Quotas;
  readonly mayUseReserve: boolean;
  /** the tenant's, as it is now: a clock that was moved has ended tokens */
  readonly clockOffsetSeconds: number;
}

/** Counts what lives over all nodes, off the requests' path: a request only looks at numbers in memory. */
export interface LiveCountRecorder {
  /**
   * Which quota refuses one more; undefined if none does. Near a quota it may look at the database first: nobody is refused for
   * what was a second ago.
   */
  findRefusal(key: ApplicationKey, wanted: Wanted): Promise<Refusal | undefined>;
  /** Whether one more would pass a quota, as far as this node knows without asking. */
  isFull(key: ApplicationKey, quotas: Quotas): boolean;
  /** Counts what was recorded just now. */
  add(key: ApplicationKey, periods: readonly LivePeriod[]): void;
  /** Counts what lives no more, though its end lies ahead. */
  remove(ended: readonly EndedRow[]): void;
  /** What lives of an application, as far as nodes have written it down. Asks the database. */
  count(key: ApplicationKey): Promise<number>;
  /** Resolves when all that was counted is written. */
  flush(): Promise<void>;
  /** Resolves when all that was counted is written, and what others wrote is known. */
  settled(): Promise<void>;
}

type Parts = { readonly database: Database; readonly clock: Clock; readonly log: Log };

/** A recorder with everything in memory that it may lose: a killed node loses half a second, or what it may hold back. */
export function createLiveCountRecorder(parts: Parts, kind: CountedKind): LiveCountRecorder {
  const due: Due = { write: new Set(), read: new Set() };
  const known = createKnownTenants(due);
  const exchanges = createExchanges(() => exchange(parts, kind, due));
  const judging: Judging = { clock: parts.clock, due, known, exchanges };

  function change(key: ApplicationKey, period: LivePeriod, by: 1 | -1): void {
    const count = known.get(key.tenantId);
    countChange(count, applicationOf(count, key), { endsAt: slotOf(period, count.plan.isFine), change: by });
    if (count.heldBack >= count.plan.heldBackMax) due.write.add(count);
    if (mustRead(count, parts.clock)) due.read.add(count);
    if (due.write.has(count) || due.read.has(count)) exchanges.soon();
  }

  return {
    findRefusal: (key, wanted) => findRefusal(judging, key, wanted),
    isFull: (key, quotas) => isFull(judging, key, quotas),
    add: (key, periods) => {
      for (const period of periods) change(key, period, 1);
    },
    remove: (ended) => {
      for (const row of ended) change(row, row, -1);
    },
    count: async (key) => {
      const count = known.get(key.tenantId);
      const application = applicationOf(count, key);
      await learn(judging, [count]);
      return liveOf(count, application).application;
    },
    flush: () => {
      for (const count of known.all()) if (count.heldBack > 0) due.write.add(count);
      due.read.clear();
      return exchanges.now();
    },
    settled: () => learn(judging, known.all()),
  };
}

/** What a judgement may look at, and whom it may ask. */
interface Judging {
  readonly clock: Clock;
  readonly due: Due;
  readonly known: KnownTenants;
  readonly exchanges: Exchanges;
}

function learn({ due, exchanges }: Judging, counts: Iterable<TenantCount>): Promise<void> {
  for (const count of counts) {
    due.write.add(count);
    due.read.add(count);
  }
  return exchanges.now();
}

function look({ known }: Judging, key: ApplicationKey, quotas: Quotas) {
  const count = known.get(key.tenantId);
  const application = applicationOf(count, key);
  setQuotas(count, application, quotas);
  const judge = (mayUseReserve: boolean) => findQuotaReached(liveOf(count, application), quotas, mayUseReserve);
  return { count, application, judge };
}

async function findRefusal(judging: Judging, key: ApplicationKey, wanted: Wanted): Promise<Refusal | undefined> {
  const { clock } = judging;
  const { count, application, judge } = look(judging, key, wanted.quotas);
  let reached = judge(wanted.mayUseReserve);
  if (reached === undefined) return undefined;
  if (count.clockOffsetSeconds !== wanted.clockOffsetSeconds || isStale(count, clock)) {
    await learn(judging, [count]);
    reached = judge(wanted.mayUseReserve);
  }
  if (reached === undefined) return undefined;
  const { firstEndsAt } = reached.quota === "tenant" ? count : application;
  const now = clock.nowSeconds() + count.clockOffsetSeconds;
  return { ...reached, retryAfterSeconds: secondsUntil(firstEndsAt, now) };
}

function isFull(judging: Judging, key: ApplicationKey, quotas: Quotas): boolean {
  const { count, judge } = look(judging, key, quotas);
  if (judge(false) === undefined) return false;
  if (isStale(count, judging.clock)) {
    judging.due.read.add(count);
    judging.exchanges.soon();
  }
  return true;
}

function secondsUntil(endsAt: number | undefined, now: number): number {
  return Math.min(RETRY_AFTER_SECONDS_MAX, Math.max(1, (endsAt ?? now) - now));
}

/** Runs of one work, one after the other. */
interface Exchanges {
  /** Resolves with the end of a run that has not begun yet; several that ask at once share it. */
  now(): Promise<void>;
  soon(): void;
}

function createExchanges(work: () => Promise<void>): Exchanges {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;

  function now(): Promise<void> {
    next ??= running.then(() => {
      next = undefined;
      clearTimeout(timer);
      timer = undefined;
      running = work();
      return running;
    });
    return next;
  }

  return {
    now,
    soon: () => {
      timer ??= setTimeout(now, EXCHANGE_EVERY_MS);
    },
  };
}

interface KnownTenants {
  get(tenantId: string): TenantCount;
  all(): Iterable<TenantCount>;
}

function createKnownTenants(due: Due): KnownTenants {
  const tenants = new Map<string, TenantCount>();

  // The tenant that came first, if it has nothing to write; one that has must write it, and goes on as if it had just come.
  function forgetOldest(): void {
    for (const [tenantId, count] of [...tenants.entries().take(FORGET_TRIES_MAX)]) {
      tenants.delete(tenantId);
      due.read.delete(count);
      if (count.heldBack === 0) return;
      tenants.set(tenantId, count);
      due.write.add(count);
    }
  }

  return {
    all: () => tenants.values(),
    get: (tenantId) => {
      const known = tenants.get(tenantId);
      if (known !== undefined) return known;
      if (tenants.size >= TENANTS_MAX) forgetOldest();
      const made = createTenantCount(tenantId);
      tenants.set(tenantId, made);
      return made;
    },
  };
}

interface Due {
  readonly write: Set<TenantCount>;
  readonly read: Set<TenantCount>;
}

// As soon as the first slot is over, what was read is known to be wrong.
function isStale({ readAtMs, firstEndsAt, clockOffsetSeconds }: TenantCount, clock: Clock): boolean {
  if (readAtMs === undefined || clock.monotonicMs() - readAtMs > STALE_MS_MAX) return true;
  return firstEndsAt !== undefined && firstEndsAt <= clock.nowSeconds() + clockOffsetSeconds;
}

function mustRead(count: TenantCount, clock: Clock): boolean {
  if (count.readAtMs === undefined || count.unread >= count.plan.unreadMax) return true;
  return clock.monotonicMs() - count.readAtMs > READ_EVERY_MS;
}

/** Writes what was counted here, reads what was counted everywhere, and asks for exact counts near a quota. */
async function exchange(parts: Parts, kind: CountedKind, due: Due): Promise<void> {
  try {
    // Whoever is read is written first: what is in the database then is all there is.
    for (const count of due.read) if (count.heldBack > 0 && count.plan.isNear) due.write.add(count);
    const [toWrite, toRead] = [[...due.write], [...due.read]];
    due.write.clear();
    due.read.clear();
    await writeCounts(parts, kind, toWrite);
    for (const some of slicesOf(toRead, TENANTS_A_STATEMENT_MAX)) await readCounts(parts, kind, some);
    if (kind === "token") await askForRecounts(parts, toRead);
  } catch (error) {
    parts.log.warn({ err: error }, "what lives could not be counted");
  }
}

async function writeCounts(parts: Parts, kind: CountedKind, counts: readonly TenantCount[]): Promise<void> {
  const { database, clock } = parts;
  for (const some of slicesOf(counts, TENANTS_A_STATEMENT_MAX)) {
    const taken = some.map((count) => ({ count, changes: takePending(count, kind, clock.nowSeconds()) }));
    const changes = taken.flatMap((one) => one.changes);
    const db = database.tenants(some.map((count) => count.tenantId));
    let written = 0;
    try {
      for (; written < changes.length; written += CHANGES_A_STATEMENT_MAX) {
        await addLiveCounts(db, changes.slice(written, written + CHANGES_A_STATEMENT_MAX));
      }
    } catch (error) {
      // What may be there already is not written twice: too few is made good by an exact count, and refuses nobody meanwhile.
      const isLost = !(error instanceof DatabaseUnavailable) || error.mayHaveCommitted;
      const unwritten = new Set(isLost ? [] : changes.slice(written));
      for (const { count, changes: own } of taken)
        putBack(
          count,
          own.filter((change) => unwritten.has(change)),
        );
      throw error;
    }
  }
}

async function readCounts(parts: Parts, kind: CountedKind, counts: readonly TenantCount[]): Promise<void> {
  const { database, clock } = parts;
  const tenantIds = counts.map((count) => count.tenantId);
  const atMs = clock.monotonicMs();
  const stored = await readLiveCounts(database.tenants(tenantIds), kind, tenantIds, clock.nowSeconds());
  for (const [n, count] of counts.entries()) applyStored(count, stored[n], atMs);
}

async function askForRecounts(parts: Parts, counts: readonly TenantCount[]): Promise<void> {
  const { database, clock } = parts;
  const nowMs = clock.monotonicMs();
  const wanting = counts.filter(
    ({ plan, wantedAtMs }) => plan.isNear && (wantedAtMs === undefined || nowMs - wantedAtMs >= RECOUNT_EVERY_MS),
  );
  for (const some of slicesOf(wanting, TENANTS_A_STATEMENT_MAX)) {
    const tenantIds = some.map((count) => count.tenantId);
    await wantRecount(database.tenants(tenantIds), tenantIds, clock.nowMs());
    for (const count of some) count.wantedAtMs = nowMs;
  }
}
