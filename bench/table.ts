import type { Row } from "./benchmark.ts";
import type { Measurement } from "./case-runner.ts";
import { type CaseResult, contenderLabel, FIGURES, type Figure, ratioToBaseline } from "./comparison.ts";
import { median } from "./statistics.ts";
import { gateOf, isViolated, judge, type Target } from "./verdict.ts";

/** Above this share of its core the load generator may have been the limit. */
const GENERATOR_UTILISATION_MAX = 0.9;
const BYTES_PER_MEGABYTE = 1_000_000;
/** Figures that say something: more would be noise. */
const DIGITS = 3;

const CASE_HEAD = [
  "| benchmark | side | req/s | p50 ms | p99 ms | CPU us/request | PostgreSQL CPU us/request | RSS MB | req/s ratio | p99 ratio | CPU ratio | RSS ratio |",
  "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
];
const ROW_HEAD = ["| figure | value | unit | target | gate | verdict | note |", "|---|--:|---|--:|--:|---|---|"];

/** What was measured side by side, as a markdown table of medians. */
export function formatCases(results: CaseResult[]): string {
  const rows = results.flatMap((result) => result.measurements.map((measurement) => formatCase(result, measurement)));
  return [...CASE_HEAD, ...rows].join("\n");
}

function formatCase(result: CaseResult, measurement: Measurement): string {
  const { contender, rounds } = measurement;
  const middle = (figure: Figure) => median(rounds.map(figure));
  const ratio = (figure: Figure) => fixed(ratioToBaseline(result, rounds, figure), 2);
  const cells = [
    contenderLabel(result, measurement),
    contender.side,
    fixed(middle(FIGURES.requestsPerSecond), 0),
    fixed(middle(FIGURES.p50Milliseconds), 1),
    fixed(middle(FIGURES.p99Milliseconds), 1),
    fixed(middle(FIGURES.cpuMicroseconds), 0),
    fixed(middle(FIGURES.databaseCpuMicroseconds), 0),
    fixed(middle(FIGURES.rssBytes) / BYTES_PER_MEGABYTE, 0),
    ratio(FIGURES.requestsPerSecond),
    ratio(FIGURES.p99Milliseconds),
    ratio(FIGURES.cpuMicroseconds),
    ratio(FIGURES.rssBytes),
  ];
  return `| ${cells.join(" | ")} |`;
}

/** Figures with their targets, gates and verdicts, as a markdown table. */
export function formatRows(rows: Row[]): string {
  return [...ROW_HEAD, ...rows.map(formatRow)].join("\n");
}

function formatRow({ label, value, unit, target, note }: Row): string {
  const limits =
    target === undefined ? ["-", "-", "-"] : [formatTarget(target), formatTarget(gateOf(target)), judge(value, target)];
  return `| ${[label, significant(value ?? Number.NaN), unit, ...limits, note ?? ""].join(" | ")} |`;
}

function formatTarget(target: Target): string {
  return "atLeast" in target ? `>= ${significant(target.atLeast)}` : `<= ${significant(target.atMost)}`;
}

function fixed(value: number, digits: number): string {
  return format(value, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Whole numbers as they are, others with three digits that say something. */
function significant(value: number): string {
  const isLarge = Number.isInteger(value) || Math.abs(value) >= 10 ** DIGITS;
  return format(value, isLarge ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: DIGITS });
}

function format(value: number, options: Intl.NumberFormatOptions): string {
  return Number.isFinite(value) ? value.toLocaleString("en-US", options) : "-";
}

/** What makes figures doubtful: answers that were errors. */
export function listErrors(results: CaseResult[]): string[] {
  return everyMeasurement(results, (name, { rounds }) => {
    const errors = rounds.reduce((sum, round) => sum + round.errors, 0);
    const firstError = rounds.find((round) => round.firstError !== undefined)?.firstError;
    return errors > 0 ? `${name}: ${errors} errors, the first: ${firstError}` : undefined;
  });
}

/** What must not happen at all and did. */
export function listViolations(rows: Row[]): string[] {
  const violated = rows.filter(({ value, target }) => target !== undefined && isViolated(value, target));
  return violated.map(({ label, value, unit }) => `violated: ${label}: ${significant(value ?? Number.NaN)} ${unit}`);
}

/** Where the load generator was at its own limit: the server could do more than its row says. */
export function listGeneratorLimits(results: CaseResult[]): string[] {
  return everyMeasurement(results, (name, { rounds }) => {
    const busiest = median(rounds.map((round) => round.generatorUtilisation));
    return busiest > GENERATOR_UTILISATION_MAX ? `${name}: at least this; the load generator was the limit` : undefined;
  });
}

function everyMeasurement(
  results: CaseResult[],
  describe: (name: string, measurement: Measurement) => string | undefined,
): string[] {
  return results.flatMap((result) =>
    result.measurements.flatMap(
      (measurement) =>
        describe(`${contenderLabel(result, measurement)}, ${measurement.contender.side}`, measurement) ?? [],
    ),
  );
}
