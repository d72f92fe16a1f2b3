import { isDataError } from "../../database/database-error.ts";
import type { Deps } from "../../deps.ts";
import { METRICS } from "../../platform/metric-table.ts";
import type { CounterCell } from "../../platform/metrics.ts";
import { type Decision, insertDecisions } from "./queries.ts";

const QUEUE_MAX = 2_000;
const GROUP_MAX = 100;
const GROUP_DELAY_MS = 50;

/** Records refusals and login steps off the request's path; granted tokens carry their decision in their own row. */
export interface DecisionRecorder {
  /** Takes a decision; under overload it is counted instead of kept (specification section 5). */
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
export function createDecisionRecorder(deps: RecorderDeps): DecisionRecorder {
  const { clock, metrics } = deps;
  const counted = countersOf(metrics);
  let queue: Decision[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  const dropped = new Map<string, { decision: Decision; count: number }>();

  function drop(decision: Decision): void {
    const cause = `${decision.tenantId} ${decision.realmId} ${decision.applicationId ?? ""} ${decision.kind} ${decision.outcome}`;
    const entry = dropped.get(cause);
    counted.dropped.add();
    if (entry !== undefined) entry.count += 1;
    else if (dropped.size < QUEUE_MAX) dropped.set(cause, { decision, count: 1 });
  }

  function takeDropped(): Decision[] {
    const summaries = [...dropped.values()].map(({ decision, count }) => ({
      ...decision,
      kind: "dropped" as const,
      facts: { kind: decision.kind, count },
    }));
    dropped.clear();
    return summaries;
  }

  async function write(): Promise<void> {
    timer = undefined;
    const all = [...queue, ...takeDropped()];
    queue = [];
    for (let start = 0; start < all.length; start += GROUP_MAX) {
      const group = all.slice(start, start + GROUP_MAX);
      await writeGroup(deps, counted, group);
    }
  }

  return {
    record: (decision) => {
      const recorded: Decision = { ...decision, recordedAtMs: clock.nowMs() };
      if (queue.length >= QUEUE_MAX) drop(recorded);
      else queue.push(recorded);
      timer ??= setTimeout(() => {
        writing = writing.then(write);
      }, GROUP_DELAY_MS);
    },
    flush: async () => {
      if (timer !== undefined) {
        clearTimeout(timer);
        writing = writing.then(write);
      }
      await writing;
    },
  };
}

// A group that fails for its data is written one by one: a failure is confined to its own request (rule 10).
async function writeGroup(deps: RecorderDeps, counted: Counted, group: readonly Decision[]): Promise<void> {
  const tenants = [...new Set(group.map((decision) => decision.tenantId))];
  try {
    await insertDecisions(deps.database.tenants(tenants), group);
    counted.recorded.add(group.length);
  } catch (error) {
    if (group.length > 1 && isDataError(error)) {
      for (const decision of group) await writeGroup(deps, counted, [decision]);
      return;
    }
    counted.lost.add(group.length);
    deps.log.warn({ err: error, lost: group.length }, "decisions could not be recorded");
  }
}
