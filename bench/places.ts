import type { Row } from "./benchmark.ts";
import { FIGURES, type Figure } from "./comparison.ts";
import type { LoadResult } from "./load-plan.ts";
import { type Load, type RunContext, runLoad } from "./run-context.ts";
import type { RunningSide } from "./side.ts";
import { median } from "./statistics.ts";
import type { Target } from "./verdict.ts";

/** Where the same requests are measured: a server, or a part of what it holds. */
export type Place = { label: string; server: RunningSide };

/** A request that is measured in two places. */
export type PlacedRequest<P extends Place> = { name: string; prepare(place: P): Promise<Load> };

/** What two places answered, round by round. */
export type PlacedResults = { name: string; small: LoadResult[]; large: LoadResult[] };

/** Measures a request in two places in turn, as many rounds as the run has; each round is one step of the progress for each. */
export async function measureInTurn<P extends Place>(
  request: PlacedRequest<P>,
  places: { benchmark: string; small: P; large: P },
  context: RunContext,
): Promise<PlacedResults> {
  const { benchmark, small, large } = places;
  const loads = new Map<P, Load>();
  for (const place of [small, large]) loads.set(place, await request.prepare(place));
  const results = new Map<P, LoadResult[]>([
    [small, []],
    [large, []],
  ]);
  for (let round = 0; round < context.settings.rounds; round += 1) {
    for (const place of round % 2 === 0 ? [small, large] : [large, small]) {
      context.progress.step(`${benchmark}: ${request.name}, ${place.label}, round ${round + 1}`);
      const load = loads.get(place);
      if (load !== undefined) results.get(place)?.push(await runLoad(place.server, load, context));
    }
  }
  return { name: request.name, small: results.get(small) ?? [], large: results.get(large) ?? [] };
}

/** The row of a request that was measured in two places: requests a second of the large one for each of the small one. */
export function describePlaces(results: PlacedResults, words: { label: string; small: string; target: Target }): Row {
  const { small, large } = results;
  const ratio = (figure: Figure) =>
    median(
      large.map((round, index) => {
        const other = small[index];
        return other === undefined ? Number.NaN : figure(round) / figure(other);
      }),
    );
  const note = [
    `${median(small.map(FIGURES.requestsPerSecond)).toFixed(0)} requests/s ${words.small}`,
    `p99 ${ratio(FIGURES.p99Milliseconds).toFixed(2)}x`,
    `CPU of the server ${ratio(FIGURES.cpuMicroseconds).toFixed(2)}x, of the database ${ratio(FIGURES.databaseCpuMicroseconds).toFixed(2)}x`,
  ].join("; ");
  return {
    label: words.label,
    value: ratio(FIGURES.requestsPerSecond),
    unit: "x requests/s",
    target: words.target,
    note,
  };
}
