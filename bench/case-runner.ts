import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BenchmarkCase, Contender, LoadTarget } from "./benchmark.ts";
import { runLoadProcess } from "./child-process.ts";
import type { DatabaseServer } from "./database.ts";
import { type LoadPlan, type LoadResult, parseLoadResult } from "./load-plan.ts";
import type { Options } from "./options.ts";
import type { Progress } from "./progress.ts";
import type { RunningSide, SideName } from "./side.ts";
import { getSide } from "./sides.ts";

const LOAD_PROGRAM = fileURLToPath(new URL("./load.ts", import.meta.url));
const CONNECTIONS = 64;
const WARMUP_SECONDS = 1;
const REQUESTS_PER_ROUND_MAX = 5_000_000;

/** One contender with the result of each round. */
export type Measurement = { contender: Contender; rounds: LoadResult[] };

/** What the runner shares with every case. */
export type RunContext = {
  options: Options;
  database: DatabaseServer;
  directory: string;
  progress: Progress;
  signal: AbortSignal;
};

/** The contenders of a case that the command line did not leave out. */
export function chosenContenders(benchmarkCase: BenchmarkCase, options: Options): Contender[] {
  return benchmarkCase.contenders.filter((contender) => options.sides.includes(contender.side));
}

/** Measures a case: fresh servers, then rounds in which each contender has its turn; the servers are stopped always. */
export async function runCase(benchmarkCase: BenchmarkCase, context: RunContext): Promise<Measurement[]> {
  const contenders = chosenContenders(benchmarkCase, context.options);
  const running = new Map<SideName, RunningSide>();
  try {
    for (const name of new Set(contenders.map((contender) => contender.side))) {
      running.set(name, await startSide(name, context));
    }
    return await measure(benchmarkCase, contenders, running, context);
  } finally {
    await Promise.all([...running.values()].map((side) => side.stop()));
  }
}

let directories = 0;

function startSide(name: SideName, context: RunContext): Promise<RunningSide> {
  directories += 1;
  const directory = join(context.directory, `${directories}-${name}`);
  mkdirSync(directory, { mode: 0o700 });
  return getSide(name).start({
    createDatabase: () => context.database.createDatabase(),
    directory,
    signal: context.signal,
  });
}

type Entry = { side: RunningSide; target: LoadTarget; measurement: Measurement };

async function measure(
  benchmarkCase: BenchmarkCase,
  contenders: Contender[],
  running: Map<SideName, RunningSide>,
  context: RunContext,
): Promise<Measurement[]> {
  const entries: Entry[] = [];
  for (const contender of contenders) {
    const side = running.get(contender.side);
    if (side === undefined) throw new Error(`${contender.side} is not running`);
    const target = await benchmarkCase.prepare(side, contender.format);
    entries.push({ side, target, measurement: { contender, rounds: [] } });
  }
  for (let round = 0; round < context.options.rounds; round += 1) {
    for (const { side, target, measurement } of rotated(entries, round)) {
      context.progress.step(`${benchmarkCase.title}: ${side.name}, round ${round + 1}`);
      measurement.rounds.push(await runRound(side, target, context));
    }
  }
  return entries.map((entry) => entry.measurement);
}

/** Another contender begins each round, so that none always runs after the same one. */
function rotated<T>(items: T[], by: number): T[] {
  const start = by % Math.max(1, items.length);
  return [...items.slice(start), ...items.slice(0, start)];
}

async function runRound(side: RunningSide, target: LoadTarget, context: RunContext): Promise<LoadResult> {
  const plan: LoadPlan = {
    host: "127.0.0.1",
    port: side.port,
    connections: CONNECTIONS,
    warmupSeconds: WARMUP_SECONDS,
    seconds: context.options.seconds,
    requestsMax: REQUESTS_PER_ROUND_MAX,
    serverPid: side.pid,
    ...target,
  };
  const result = parseLoadResult(await runLoadProcess([LOAD_PROGRAM], JSON.stringify(plan), context.signal));
  if (result.requests === 0) throw new Error(`${side.name} answered no request well: ${result.firstError}`);
  return result;
}
