import { readPartitionState } from "../database/partition-state.ts";
import { METRICS } from "../platform/metric-table.ts";
import { readMailBacklog } from "../resources/outgoing-mail/queries.ts";
import { readOldestSigningAge } from "../resources/signing-key/queries.ts";
import type { JobDeps } from "./job.ts";

/** A look costs a statement over the catalogue: many scrapers share one. */
const PARTITIONS_SEEN_EVERY_MS = 10_000;
const MAILS_SEEN_EVERY_MS = 10_000;
/** It reads every signing key. */
const KEYS_SEEN_EVERY_MS = 300_000;

type WatchDeps = Pick<JobDeps, "database" | "clock" | "metrics">;

/**
 * Lets scrapes show the state of partitions, mails and signing keys, which the jobs of any node change. Each node looks for itself, when
 * somebody asks and it has not looked lately; while the database does not answer, it shows what it saw last.
 */
export function watchStorage(deps: WatchDeps): void {
  const { clock, metrics } = deps;
  let seenAtMs = clock.monotonicMs();
  metrics
    .gauge(METRICS.storageSeenAge)
    .cell()
    .read(() => (clock.monotonicMs() - seenAtMs) / 1_000);
  metrics.beforeSnapshot(
    everyMs(deps, PARTITIONS_SEEN_EVERY_MS, async () => {
      await seePartitions(deps);
      seenAtMs = clock.monotonicMs();
    }),
  );
  metrics.beforeSnapshot(everyMs(deps, MAILS_SEEN_EVERY_MS, () => seeMails(deps)));
  metrics.beforeSnapshot(everyMs(deps, KEYS_SEEN_EVERY_MS, () => seeKeys(deps)));
}

function everyMs({ clock }: WatchDeps, intervalMs: number, look: () => Promise<void>): () => Promise<void> {
  let doneAtMs = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;
  return () => {
    if (clock.monotonicMs() - doneAtMs < intervalMs) return Promise.resolve();
    looking ??= look()
      .then(() => {
        doneAtMs = clock.monotonicMs();
      })
      .finally(() => {
        looking = undefined;
      });
    return looking;
  };
}

async function seePartitions({ database, clock, metrics }: WatchDeps): Promise<void> {
  const { tables, purgeLagSeconds } = await readPartitionState(database, clock.nowSeconds());
  for (const { table, ahead, secondsLeft } of tables) {
    metrics.gauge(METRICS.partitionsAhead).cell(table).set(ahead);
    metrics.gauge(METRICS.partitionsSecondsLeft).cell(table).set(secondsLeft);
  }
  metrics.gauge(METRICS.purgeLag).cell().set(purgeLagSeconds);
}

async function seeMails({ database, clock, metrics }: WatchDeps): Promise<void> {
  const { waiting, oldestAtMs } = await database.maintain(readMailBacklog);
  const nowMs = clock.nowMs();
  metrics.gauge(METRICS.mailsWaiting).cell().set(waiting);
  metrics
    .gauge(METRICS.oldestMail)
    .cell()
    .set(Math.max(0, nowMs - (oldestAtMs ?? nowMs)) / 1_000);
}

async function seeKeys({ database, clock, metrics }: WatchDeps): Promise<void> {
  const age = await database.maintain((session) => readOldestSigningAge(session, clock.nowSeconds()));
  metrics.gauge(METRICS.oldestSigningKey).cell().set(age);
}
