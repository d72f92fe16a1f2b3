import { type OverloadPhase, offerLoads, type PhaseResult } from "../../test/support/overload.ts";
import { expectFormat, issueToken } from "../access-token.ts";
import type { CustomBenchmark, Row } from "../benchmark.ts";
import { LOAD_CORE } from "../child-process.ts";
import { requestText } from "../http-request.ts";
import { type RunningMayfly, startMayfly } from "../mayfly-server.ts";
import { type RunContext, type RunSettings, sideContext, waitForRest } from "../run-context.ts";
import type { TokenFormat } from "../side.ts";

const FORMATS: TokenFormat[] = ["opaque", "ES256"];
/** More than a thousand that are always ready make libuv poll again and again; this must not matter. */
const CONNECTIONS = 2_000;
const CALM_TIMES = 0.15;
const OVERLOAD_TIMES = 5;
const OVERLOAD_SECONDS_FULL = 60;
const OVERLOAD_SECONDS = 10;
/** The overload's end is that long ago when all is to be as before. */
const SETTLING_SECONDS = 5;
const P99_RATIO_MAX = 5;
const AFTER_P99_RATIO_MAX = 1.25;
const GROWN_MEGABYTES_MAX = 190;
/** A generator that sent less than this part of what was due offered less than the figure says. */
const SENT_PART_MIN = 0.95;

/**
 * Five times what a server answers in a closed loop, offered by the clock (settled 18): what is accepted stays quick, memory stays
 * bounded, and five seconds after the end all is as before.
 */
export const overload: CustomBenchmark = {
  name: "overload",
  isHeavy: true,
  steps: () => FORMATS.length,
  async run(context) {
    const rows: Row[] = [];
    for (const format of FORMATS) {
      context.progress.step(`overload: ${format}`);
      const server = await startMayfly(sideContext(context, "overload"));
      try {
        await waitForRest(context);
        rows.push(...describe(format, await offer(server, format, context)));
      } finally {
        await server.stop();
      }
    }
    return rows;
  },
};

async function offer(server: RunningMayfly, format: TokenFormat, context: RunContext): Promise<Phases> {
  expectFormat("the access token", await issueToken(server, format), format);
  const plan = {
    host: "127.0.0.1",
    port: server.port,
    serverPid: server.pid,
    request: requestText(server.issue(format), server.port),
    connections: CONNECTIONS,
    phases: phasesOf(context.settings),
  };
  const [capacity, calm, over, settling, after] = await offerLoads(plan, { core: LOAD_CORE, signal: context.signal });
  if (!(capacity && calm && over && settling && after)) throw new Error("the generator left out a phase");
  return { capacity, calm, over, settling, after };
}

type Phases = Record<"capacity" | "calm" | "over" | "settling" | "after", PhaseResult>;

function phasesOf({ isFull }: RunSettings): OverloadPhase[] {
  const seconds = isFull ? OVERLOAD_SECONDS_FULL : OVERLOAD_SECONDS;
  return [
    { name: "capacity", seconds: 5, closedLoop: 64 },
    { name: "calm", seconds: 5, timesCapacity: CALM_TIMES },
    { name: "overload", seconds, timesCapacity: OVERLOAD_TIMES },
    { name: "settling", seconds: SETTLING_SECONDS, timesCapacity: CALM_TIMES },
    { name: "after", seconds: 5, timesCapacity: CALM_TIMES },
  ];
}

function describe(format: TokenFormat, { capacity, calm, over, settling, after }: Phases): Row[] {
  const failed = [capacity, calm, over, settling, after].find((phase) => phase.failed > 0);
  if (failed !== undefined) throw new Error(`${failed.failed} requests failed, the first: ${failed.firstFailure}`);
  const name = `${OVERLOAD_TIMES} times the capacity for ${over.seconds.toFixed(0)} s, ${format}`;
  const peak = (...phases: PhaseResult[]) => Math.max(...phases.flatMap(({ rssBytes }) => rssBytes)) / 1e6;
  const before = peak(capacity, calm);
  return [
    {
      label: `${name}: p99 of what is accepted, against a calm server`,
      value: over.acceptedP99Ms / calm.acceptedP99Ms,
      unit: "x p99",
      target: { atMost: P99_RATIO_MAX },
      note: `${over.acceptedP99Ms.toFixed(1)} ms against ${calm.acceptedP99Ms.toFixed(1)} at ${CALM_TIMES} of the capacity; p50 ${over.acceptedP50Ms.toFixed(1)} against ${calm.acceptedP50Ms.toFixed(1)}`,
    },
    {
      label: `${name}: accepted, of what a closed loop of 64 is answered`,
      value: over.accepted / over.seconds / (capacity.accepted / capacity.seconds),
      unit: "x requests/s",
      note: `${describeOffer(over)}; refused ${(over.refused / over.seconds).toFixed(0)}/s, p99 ${over.refusedP99Ms.toFixed(0)} ms`,
    },
    {
      label: `${name}: memory it adds`,
      value: peak(over, settling, after) - before,
      unit: "MB",
      target: { atMost: GROWN_MEGABYTES_MAX },
      note: `${before.toFixed(0)} MB before, ${CONNECTIONS} connections`,
    },
    {
      label: `${name}: last refusal after its end`,
      value: Math.max(settling.lastRefusedMs, after.refused > 0 ? Number.NaN : 0) / 1_000,
      unit: "s",
      target: { atMost: SETTLING_SECONDS },
      note: `${settling.refused} refused`,
    },
    {
      label: `${name}: p99 after ${SETTLING_SECONDS} s, against before`,
      value: after.acceptedP99Ms / calm.acceptedP99Ms,
      unit: "x p99",
      target: { atMost: AFTER_P99_RATIO_MAX },
      note: `${after.refused} refused`,
    },
  ];
}

function describeOffer({ duePerSecond, sentPerSecond, ...over }: PhaseResult): string {
  const offer = `${duePerSecond.toFixed(0)}/s due, ${sentPerSecond.toFixed(0)} sent`;
  if (sentPerSecond >= duePerSecond * SENT_PART_MIN) return offer;
  const slow = Math.round(over.missedBySlowness / over.seconds);
  const waiting = Math.round(over.missedByConnections / over.seconds);
  return `${offer} (${waiting} found none of ${CONNECTIONS} connections free, for ${slow} the generator was too slow)`;
}
