import type { BenchmarkCase, Contender } from "./benchmark.ts";
import type { LoadResult } from "./load-plan.ts";
import { measureRounds, type Turn } from "./rounds.ts";
import { type RunContext, type RunSettings, startSide, waitForRest } from "./run-context.ts";
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

async function measure(
  benchmarkCase: BenchmarkCase,
  contenders: Contender[],
  { running, context }: { running: ReadonlyMap<SideName, RunningSide>; context: RunContext },
): Promise<Measurement[]> {
  const turns: Turn[] = [];
  for (const contender of contenders) {
    const side = running.get(contender.side);
    if (side === undefined) throw new Error(`${contender.side} is not running`);
    const nextLoad = await benchmarkCase.prepare(side, contender.format, context);
    turns.push({ label: `${benchmarkCase.title}: ${side.name} ${contender.format}`, server: side, nextLoad });
  }
  await waitForRest(context);
  const results = await measureRounds(turns, context);
  return contenders.map((contender, index) => ({ contender, rounds: results[index] ?? [] }));
}
