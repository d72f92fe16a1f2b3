import type { BenchmarkCase } from "./benchmark.ts";
import type { Measurement } from "./case-runner.ts";
import type { LoadResult } from "./load-plan.ts";
import { median } from "./statistics.ts";

/** Above this share of its core the load generator may have been the limit. */
const GENERATOR_UTILISATION_MAX = 0.9;
const BYTES_PER_MEGABYTE = 1_000_000;

const HEAD = [
  "| benchmark | side | req/s median | p50 ms | p99 ms | CPU us/request | RSS MB | ratio |",
  "|---|---|--:|--:|--:|--:|--:|--:|",
];

/** A case that was measured. */
export type CaseResult = { benchmarkCase: BenchmarkCase; measurements: Measurement[] };

/** The results as a markdown table; `ratio` is the median, over the rounds, of requests/s against the baseline's. */
export function formatTable(results: CaseResult[]): string {
  const rows = results.flatMap((result) => result.measurements.map((measurement) => formatRow(result, measurement)));
  return [...HEAD, ...rows].join("\n");
}

function formatRow(result: CaseResult, { contender, rounds }: Measurement): string {
  const format = contender.format === "opaque" ? "opaque" : `JWT ${contender.format}`;
  const title = result.benchmarkCase.title;
  const cells = [
    title.includes(format) ? title : `${title}, ${format}`,
    contender.side,
    medianOf(rounds, rate, 0),
    medianOf(rounds, (round) => round.p50Milliseconds, 1),
    medianOf(rounds, (round) => round.p99Milliseconds, 1),
    medianOf(rounds, cpuMicrosecondsPerRequest, 0),
    medianOf(rounds, (round) => (round.serverRssBytes ?? Number.NaN) / BYTES_PER_MEGABYTE, 0),
    ratio(result, rounds),
  ];
  return `| ${cells.join(" | ")} |`;
}

function ratio(result: CaseResult, rounds: LoadResult[]): string {
  const { side, format } = result.benchmarkCase.baseline;
  const baseline = result.measurements.find(
    ({ contender }) => contender.side === side && contender.format === format,
  )?.rounds;
  if (baseline === undefined) return "-";
  const ratios = rounds.map((round, index) => {
    const other = baseline[index];
    return other === undefined ? Number.NaN : rate(round) / rate(other);
  });
  return number(median(ratios), 2);
}

function rate(round: LoadResult): number {
  return round.requests / round.seconds;
}

function cpuMicrosecondsPerRequest(round: LoadResult): number {
  return ((round.serverCpuSeconds ?? Number.NaN) / round.requests) * 1e6;
}

function medianOf(rounds: LoadResult[], value: (round: LoadResult) => number, digits: number): string {
  return number(median(rounds.map(value)), digits);
}

function number(value: number, digits: number): string {
  return Number.isFinite(value)
    ? value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })
    : "-";
}

/** What makes figures doubtful: answers that were errors, or a load generator at its own limit. */
export function listDoubts(results: CaseResult[]): string[] {
  return results.flatMap(({ benchmarkCase, measurements }) =>
    measurements.flatMap(({ contender, rounds }) => {
      const name = `${benchmarkCase.title}, ${contender.side}`;
      const errors = rounds.reduce((sum, round) => sum + round.errors, 0);
      const firstError = rounds.find((round) => round.firstError !== undefined)?.firstError;
      const busiest = Math.max(...rounds.map((round) => round.generatorUtilisation));
      return [
        ...(errors > 0 ? [`${name}: ${errors} errors, the first: ${firstError}`] : []),
        ...(busiest > GENERATOR_UTILISATION_MAX ? [`${name}: the load generator was the limit`] : []),
      ];
    }),
  );
}
