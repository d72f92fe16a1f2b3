import type { BenchmarkCase, Contender } from "./benchmark.ts";
import type { LoadResult } from "./load-plan.ts";
import { type Load, type RunContext, type RunSettings, runLoad, startSide, waitForRest } from "./run-context.ts";
import type { RunningSide, SideName } from "./side.ts";

/** One contender with the result of each round. */
export type Measurement = { contender: Contender; rounds: LoadResult[] };

/** The contenders of a case that the command line did not leave out. */
export function chosenContenders(benchmarkCase: BenchmarkCase, settings: RunSettings): Contender[] {
  return benchmarkCase.contenders.filter((contender) => settings.sides.includes(contender.side));
}

/** Measures a case: fresh servers, then rounds in which each contender has its turn; the servers are stopped always. */
export async function runCase(benchmarkCase: BenchmarkCase, context: RunContext): Promise<Measurement[]> {
  const contenders = chosenContenders(benchmarkCase, context.settings);
  const running = new Map<SideName, RunningSide>();
  try {
    for (const name of new Set(contenders.map((contender) => contender.side))) {
      running.set(name, await startSide(name, context));
    }
    return await measure(benchmarkCase, contenders, { running, context });
  } finally {
    await Promise.all([...running.values()].map((side) => side.stop()));
  }
}

type Entry = { side: RunningSide; nextLoad: () => Load | Promise<Load>; measurement: Measurement };

async function measure(
  benchmarkCase: BenchmarkCase,
  contenders: Contender[],
  { running, context }: { running: ReadonlyMap<SideName, RunningSide>; context: RunContext },
): Promise<Measurement[]> {
  const entries: Entry[] = [];
  for (const contender of contenders) {
    const side = running.get(contender.side);
    if (side === undefined) throw new Error(`${contender.side} is not running`);
    const nextLoad = await benchmarkCase.prepare(side, contender.format, context);
    entries.push({ side, nextLoad, measurement: { contender, rounds: [] } });
  }
  await waitForRest(context);
  for (let round = 0; round < context.settings.rounds; round += 1) {
    for (const { side, nextLoad, measurement } of rotated(entries, round)) {
      const { format } = measurement.contender;
      context.progress.step(`${benchmarkCase.title}: ${side.name} ${format}, round ${round + 1}`);
      measurement.rounds.push(await runLoad(side, await nextLoad(), context));
    }
  }
  return entries.map((entry) => entry.measurement);
}

/** Another contender begins each round, so that none always runs after the same one. */
function rotated<T>(items: T[], by: number): T[] {
  const start = by % Math.max(1, items.length);
  return [...items.slice(start), ...items.slice(0, start)];
}
