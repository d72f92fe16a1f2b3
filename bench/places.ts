import type { Row } from "./benchmark.ts";
import { FIGURES, type Figure, medianRatio } from "./comparison.ts";
import type { LoadResult } from "./load-plan.ts";
import { measureRounds, type Turn } from "./rounds.ts";
import type { Load, RunContext } from "./run-context.ts";
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
  const turns: Turn[] = [];
  for (const place of [small, large]) {
    const load = await request.prepare(place);
    const label = `${benchmark}: ${request.name}, ${place.label}`;
    turns.push({ label, server: place.server, nextLoad: () => load });
  }
  const [ofSmall = [], ofLarge = []] = await measureRounds(turns, context);
  return { name: request.name, small: ofSmall, large: ofLarge };
}

/** The row of a request that was measured in two places: requests a second of the large one for each of the small one. */
export function describePlaces(results: PlacedResults, words: { label: string; small: string; target: Target }): Row {
  const { small, large } = results;
  const ratio = (figure: Figure) => medianRatio(large, small, figure);
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
