import type { BenchmarkCase, Row } from "./benchmark.ts";
import type { Measurement } from "./case-runner.ts";
import type { LoadResult } from "./load-plan.ts";
import { median } from "./statistics.ts";

const P99_RATIO_MAX = 0.5;
const RSS_RATIO_MAX = 0.7;

/** A case that was measured. */
export type CaseResult = { benchmarkCase: BenchmarkCase; measurements: Measurement[] };

/** A figure of one round. */
export type Figure = (round: LoadResult) => number;

/** The figures that are compared; CPU time and memory are NaN where there is no /proc. */
export const FIGURES = {
  requestsPerSecond: (round) => round.requests / round.seconds,
  p50Milliseconds: (round) => round.p50Milliseconds,
  p99Milliseconds: (round) => round.p99Milliseconds,
  cpuMicroseconds: (round) => ((round.serverCpuSeconds ?? Number.NaN) / round.requests) * 1e6,
  databaseCpuMicroseconds: (round) => ((round.databaseCpuSeconds ?? Number.NaN) / round.requests) * 1e6,
  rssBytes: (round) => round.serverRssBytes ?? Number.NaN,
} satisfies Record<string, Figure>;

/** Median, over the rounds, of a figure against the baseline's in the same round; NaN when there is no baseline. */
export function ratioToBaseline(result: CaseResult, rounds: LoadResult[], figure: Figure): number {
  const { side, format } = result.benchmarkCase.baseline;
  const baseline = result.measurements.find(
    ({ contender }) => contender.side === side && contender.format === format,
  )?.rounds;
  return baseline === undefined ? Number.NaN : medianRatio(rounds, baseline, figure);
}

/** Median, over the rounds, of a figure against another's in the same round. */
export function medianRatio(rounds: LoadResult[], others: LoadResult[], figure: Figure): number {
  return median(
    rounds.map((round, index) => {
      const other = others[index];
      return other === undefined ? Number.NaN : figure(round) / figure(other);
    }),
  );
}

/** What a contender is called in tables. */
export function contenderLabel({ benchmarkCase }: CaseResult, { contender }: Measurement): string {
  const format = contender.format === "opaque" ? "opaque" : `JWT ${contender.format}`;
  const { title } = benchmarkCase;
  const isOnlyFormat = benchmarkCase.contenders.every((other) => other.format === contender.format);
  return isOnlyFormat || title.includes(format) ? title : `${title}, ${format}`;
}

/** Mayfly's ratios with their targets. */
export function ratioRows(results: CaseResult[]): Row[] {
  return results.flatMap((result) =>
    result.measurements
      .filter(({ contender }) => contender.side === "mayfly")
      .flatMap((measurement) => {
        const label = contenderLabel(result, measurement);
        const { targetRatio } = result.benchmarkCase;
        const of = (figure: Figure) => ratioToBaseline(result, measurement.rounds, figure);
        return [
          { label, unit: "x requests/s", value: of(FIGURES.requestsPerSecond), target: { atLeast: targetRatio } },
          { label, unit: "x p99", value: of(FIGURES.p99Milliseconds), target: { atMost: P99_RATIO_MAX } },
          { label, unit: "x CPU/request", value: of(FIGURES.cpuMicroseconds), target: { atMost: 1 / targetRatio } },
          { label, unit: "x RSS", value: of(FIGURES.rssBytes), target: { atMost: RSS_RATIO_MAX } },
        ];
      }),
  );
}
