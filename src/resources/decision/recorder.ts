import { tenantsOf } from "../../database/batch-tenants.ts";
import { isDataError } from "../../database/database-error.ts";
import { DECISION_LIFETIME_SECONDS } from "../../database/partitions.ts";
import type { Deps } from "../../deps.ts";
import { METRICS } from "../../platform/metric-table.ts";
import type { CounterCell } from "../../platform/metrics.ts";
import { slicesOf } from "../../platform/slices.ts";
import type { ApplicationKey } from "../../protocol/client-metadata.ts";
import type { LivePeriod, Quotas } from "../../protocol/live-count.ts";
import type { LiveCountRecorder } from "../live-count/recorder.ts";
import { type Decision, insertDecisions } from "./queries.ts";

const QUEUE_MAX = 2_000;
const GROUP_MAX = 100;
const GROUP_DELAY_MS = 50;
/** What was dropped leaves one decision a second, application and cause (rule 24). */
const SUMMARY_EVERY_MS = 1_000;
/** Decisions of refusals of one tenant that are kept at a time (settled 6); what comes then leaves one a minute and cause. */
const KEPT_MAX = 1_000_000;
const KEPT: Quotas = { tenant: KEPT_MAX, application: KEPT_MAX };
const FULL_SUMMARY_EVERY_MS = 60_000;

/** Records refusals and login steps off the request's path; granted tokens carry their decision in their own row. */
export interface DecisionRecorder {
  /** Takes a decision; under overload, and above a million of a tenant, it is counted instead of kept. */
  record(decision: Omit<Decision, "recordedAtMs">): void;
  /** Waits until what was taken so far is written. */
  flush(): Promise<void>;
}

type RecorderDeps = Pick<Deps, "database" | "clock" | "log" | "metrics">;

interface Counted {
  readonly recorded: CounterCell;
  readonly dropped: CounterCell;
  readonly lost: CounterCell;
}

function countersOf(metrics: RecorderDeps["metrics"]): Counted {
  const decisions = metrics.counter(METRICS.decisions);
  return { recorded: decisions.cell("recorded"), dropped: decisions.cell("dropped"), lost: decisions.cell("lost") };
}

/** Writes decisions in bounded groups. Those that change state are not for this: they commit with the change (rule 24). */
export function createDecisionRecorder(deps: RecorderDeps, kept: LiveCountRecorder): DecisionRecorder {
  const { clock, metrics } = deps;
  const counted = countersOf(metrics);
  const dropped = createDropped();
  let queue: Decision[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  async function write(isLast: boolean): Promise<void> {
    timer = undefined;
    const all = [...queue, ...dropped.take(isLast ? Number.POSITIVE_INFINITY : clock.nowMs())];
    queue = [];
    for (const group of slicesOf(all, GROUP_MAX)) {
      const written = await writeGroup(deps, counted, group);
      for (const decision of written) kept.add(placeOf(decision), [periodOf(decision)]);
    }
    if (dropped.isWaiting()) writeIn(SUMMARY_EVERY_MS);
  }

  function writeIn(ms: number): void {
    timer ??= setTimeout(() => {
      writing = writing.then(() => write(false));
    }, ms);
  }

  return {
    record: (decision) => {
      const recorded: Decision = { ...decision, recordedAtMs: clock.nowMs() };
      const isFull = kept.isFull(placeOf(recorded), KEPT);
      if (isFull || queue.length >= QUEUE_MAX) {
        counted.dropped.add();
        dropped.add(recorded, isFull ? FULL_SUMMARY_EVERY_MS : SUMMARY_EVERY_MS);
        writeIn(SUMMARY_EVERY_MS);
        return;
      }
      queue.push(recorded);
      writeIn(GROUP_DELAY_MS);
    },
    flush: async () => {
      clearTimeout(timer);
      timer = undefined;
      writing = writing.then(() => write(true));
      await writing;
    },
  };
}

// Decisions are counted for their tenant, in real time.
function placeOf({ tenantId }: Decision): ApplicationKey {
  return { tenantId, realmId: "", applicationId: "" };
}

function periodOf({ recordedAtMs }: Decision): LivePeriod {
  const issuedAt = Math.floor(recordedAtMs / 1_000);
  return { issuedAt, endsAt: issuedAt + DECISION_LIFETIME_SECONDS };
}

/** What was counted instead of kept, by cause, until it is time to say so. */
function createDropped() {
  const causes = new Map<string, { decision: Decision; count: number; dueAtMs: number }>();
  return {
    isWaiting: () => causes.size > 0,
    add: (decision: Decision, everyMs: number): void => {
      const cause = `${decision.tenantId} ${decision.realmId} ${decision.applicationId ?? ""} ${decision.kind} ${decision.outcome}`;
      const entry = causes.get(cause);
      if (entry !== undefined) entry.count += 1;
      else if (causes.size < QUEUE_MAX) {
        causes.set(cause, { decision, count: 1, dueAtMs: decision.recordedAtMs + everyMs });
      }
    },
    take: (nowMs: number): Decision[] => {
      const due = [...causes].filter(([, { dueAtMs }]) => dueAtMs <= nowMs);
      for (const [cause] of due) causes.delete(cause);
      return due.map(([, { decision, count }]) => ({
        ...decision,
        kind: "dropped" as const,
        facts: { kind: decision.kind, count },
      }));
    },
  };
}

// A group that fails for its data is written one by one: a failure is confined to its own request (rule 10). Returns what is written.
async function writeGroup(
  deps: RecorderDeps,
  counted: Counted,
  group: readonly Decision[],
): Promise<readonly Decision[]> {
  try {
    await insertDecisions(deps.database.tenants(tenantsOf(group)), group);
    counted.recorded.add(group.length);
    return group;
  } catch (error) {
    if (group.length > 1 && isDataError(error)) {
      const written: Decision[] = [];
      for (const decision of group) written.push(...(await writeGroup(deps, counted, [decision])));
      return written;
    }
    counted.lost.add(group.length);
    deps.log.warn({ err: error, lost: group.length }, "decisions could not be recorded");
    return [];
  }
}
