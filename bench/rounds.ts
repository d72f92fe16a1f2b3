import type { LoadResult } from "./load-plan.ts";
import { type Load, type RunContext, runLoad } from "./run-context.ts";
import type { RunningSide } from "./side.ts";

/** What is measured in turn with others: where, under what, and what the progress calls it. */
export type Turn = { label: string; server: RunningSide; nextLoad: () => Load | Promise<Load> };

type Measured = Turn & { results: LoadResult[] };

/** Measures each of these once a round, as many rounds as the run has, and returns the results of each, round by round. */
export async function measureRounds(turns: Turn[], context: RunContext): Promise<LoadResult[][]> {
  const measured: Measured[] = turns.map((turn) => ({ ...turn, results: [] }));
  for (let round = 0; round < context.settings.rounds; round += 1) {
    for (const { label, server, nextLoad, results } of rotated(measured, round)) {
      context.progress.step(`${label}, round ${round + 1}`);
      results.push(await runLoad(server, await nextLoad(), context));
    }
  }
  return measured.map(({ results }) => results);
}

/** Another one begins each round, so that none always runs after the same one. */
function rotated<T>(items: T[], by: number): T[] {
  const start = by % Math.max(1, items.length);
  return [...items.slice(start), ...items.slice(0, start)];
}
