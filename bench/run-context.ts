import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LOAD_CORE, runProgram } from "./child-process.ts";
import type { DatabaseServer } from "./database.ts";
import { type LoadPlan, type LoadResult, parseLoadResult } from "./load-plan.ts";
import { cpuSecondsOf } from "./process-usage.ts";
import type { Progress } from "./progress.ts";
import type { RunningSide, ServerSettings, SideContext, SideName } from "./side.ts";
import { getSide } from "./sides.ts";

const LOAD_PROGRAM = fileURLToPath(new URL("./load.ts", import.meta.url));

/** Requests in flight in a closed loop, on every side. */
export const CONNECTIONS = 64;
const WARMUP_SECONDS = 1;
const SPENDING_WARMUP_SECONDS = 0.5;
const SPENDING_WARMUP_SHARE = 1 / 6;
/** The database rests when it uses less than this share of a core for so long. */
const REST_SECONDS = 0.5;
const REST_SHARE_MAX = 0.05;
const REST_SECONDS_MAX = 5;
const REQUESTS_MAX = 5_000_000;

/** What the command line asks of every benchmark. */
export type RunSettings = {
  rounds: number;
  /** measured a round and contender */
  seconds: number;
  sides: SideName[];
  /** whether the figures are to be quoted, so that heavy benchmarks take their full size */
  isFull: boolean;
};

/** What the runner shares with every benchmark. */
export type RunContext = {
  settings: RunSettings;
  database: DatabaseServer;
  /** removed at the end */
  directory: string;
  progress: Progress;
  signal: AbortSignal;
};

let directories = 0;

/** Makes an empty directory of that name in the run's own. */
export function makeDirectory(context: RunContext, name: string): string {
  directories += 1;
  const directory = join(context.directory, `${directories}-${name}`);
  mkdirSync(directory, { mode: 0o700 });
  return directory;
}

/** Starts a side's server with an empty database; the caller waits for rest before it measures, and stops it. */
export function startSide(name: SideName, context: RunContext, settings: ServerSettings = {}): Promise<RunningSide> {
  return getSide(name).start(sideContext(context, name, settings));
}

/**
 * Waits until the database does next to nothing, for a bounded time: what a server does once after its start, such as making
 * partitions, is not what the benchmarks are about.
 */
export async function waitForRest(context: RunContext): Promise<void> {
  const end = performance.now() + REST_SECONDS_MAX * 1000;
  let before = usedCpu(context);
  while (performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, REST_SECONDS * 1000));
    context.signal.throwIfAborted();
    const after = usedCpu(context);
    if (before !== undefined && after !== undefined && after - before < REST_SECONDS * REST_SHARE_MAX) return;
    before = after;
  }
}

function usedCpu({ database }: RunContext): number | undefined {
  return database.pid === undefined ? undefined : cpuSecondsOf(database.pid);
}

/** What a server is given to start, in a directory of that name. */
export function sideContext(context: RunContext, name: string, settings: ServerSettings = {}): SideContext {
  return {
    createDatabase: () => context.database.createDatabase(),
    directory: makeDirectory(context, name),
    signal: context.signal,
    ...settings,
  };
}

/** What a load may leave to its defaults: a closed loop over 64 connections, one second of warm-up. */
export type Load = Pick<LoadPlan, "source" | "expectedText"> & Partial<LoadPlan>;

/** What sends each value once: its warm-up is short, and leaves most of them to be measured. */
export function spendingLoad(plan: { template: string; values: string[]; expectedText: string }): Load {
  const { template, values, expectedText } = plan;
  return {
    source: { kind: "once", template, values },
    expectedText,
    warmupSeconds: SPENDING_WARMUP_SECONDS,
    warmupRequestsMax: Math.floor(values.length * SPENDING_WARMUP_SHARE),
  };
}

/** Loads a server in a process of its own; throws when it answered nothing well in the measured time. */
export async function runLoad(
  server: { name: string; pid: number; port: number },
  load: Load,
  context: RunContext,
): Promise<LoadResult> {
  const plan: LoadPlan = {
    host: "127.0.0.1",
    port: server.port,
    connections: CONNECTIONS,
    warmupSeconds: WARMUP_SECONDS,
    warmupRequestsMax: REQUESTS_MAX,
    seconds: context.settings.seconds,
    requestsMax: REQUESTS_MAX,
    serverPid: server.pid,
    ...(context.database.pid === undefined ? {} : { databasePid: context.database.pid }),
    ...load,
  };
  const program = { args: [LOAD_PROGRAM], input: JSON.stringify(plan), core: LOAD_CORE, signal: context.signal };
  const result = parseLoadResult(await runProgram(program));
  if (result.requests === 0) throw new Error(`${server.name} answered no request well: ${result.firstError}`);
  return result;
}
