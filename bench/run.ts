/**
 * `npm run bench [name ...] [-- options]`: measures Mayfly and its peer side by side and prints medians, ratios, and how
 * they stand to their targets. See README.md beside this file.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import type { Benchmark, BenchmarkCase, Row } from "./benchmark.ts";
import { chosenContenders, runCase } from "./case-runner.ts";
import { canPin, LOAD_CORE, SERVER_CORE } from "./child-process.ts";
import { type CaseResult, ratioRows } from "./comparison.ts";
import { openDatabaseServer } from "./database.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import { startProgress } from "./progress.ts";
import type { RunContext, RunSettings } from "./run-context.ts";
import { formatCases, formatRows, listErrors, listGeneratorLimits, listViolations } from "./table.ts";

const INTERRUPTED_STATUS = 130;

const abort = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => abort.abort());
process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const options = parseOptions(process.argv.slice(2));
    if (options === undefined) process.stdout.write(USAGE);
    return options === undefined ? 0 : await run(options, abort.signal);
  } catch (error) {
    process.stderr.write(abort.signal.aborted ? "\nstopped\n" : `\n${describeError(error)}\n`);
    return abort.signal.aborted ? INTERRUPTED_STATUS : 1;
  }
}

async function run(options: Options, signal: AbortSignal): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), "mayfly-bench-"));
  try {
    const database = await openDatabaseServer(options.databaseUrl);
    try {
      const progress = startProgress(options.benchmarks.reduce((sum, one) => sum + stepsOf(one, options), 0));
      const context = { settings: options, database, directory, progress, signal };
      const results = await runAll(options.benchmarks, context);
      const paragraphs = [`${describeRun(options)}; ${database.description}`, ...report(results)];
      process.stdout.write(`${paragraphs.join("\n\n")}\n`);
      return listFailures(results).length === 0 ? 0 : 1;
    } finally {
      await database.stop();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** All figures: of cases side by side, and of each custom benchmark under its name. */
type Results = { cases: CaseResult[]; rows: Map<string, Row[]> };

async function runAll(benchmarks: Benchmark[], context: RunContext): Promise<Results> {
  const results: Results = { cases: [], rows: new Map() };
  try {
    for (const benchmark of benchmarks) {
      if ("run" in benchmark) {
        results.rows.set(benchmark.name, await benchmark.run(context));
        continue;
      }
      for (const benchmarkCase of chosenCases(benchmark.cases, context.settings)) {
        results.cases.push({ benchmarkCase, measurements: await runCase(benchmarkCase, context) });
      }
    }
    return results;
  } finally {
    context.progress.end();
  }
}

function report({ cases, rows }: Results): string[] {
  const limits = listGeneratorLimits(cases);
  return [
    ...(cases.length === 0 ? [] : [formatCases(cases), ...limits, "Ratios and targets", formatRows(ratioRows(cases))]),
    ...[...rows].flatMap(([name, own]) => [name, formatRows(own)]),
    ...listFailures({ cases, rows }),
  ];
}

function listFailures({ cases, rows }: Results): string[] {
  return [...listErrors(cases), ...listViolations([...rows.values()].flat())];
}

function stepsOf(benchmark: Benchmark, settings: RunSettings): number {
  if ("run" in benchmark) return benchmark.steps(settings);
  const contenders = benchmark.cases.map((benchmarkCase) => chosenContenders(benchmarkCase, settings).length);
  return contenders.reduce((sum, count) => sum + count, 0) * settings.rounds;
}

function chosenCases(cases: BenchmarkCase[], settings: RunSettings): BenchmarkCase[] {
  return cases.filter((benchmarkCase) => chosenContenders(benchmarkCase, settings).length > 0);
}

function describeRun(options: Options): string {
  const pinned = canPin(SERVER_CORE) && canPin(LOAD_CORE);
  return [
    `Node ${process.versions.node}`,
    `${availableParallelism()} cores, server and load ${pinned ? "on one core each" : "not pinned"}`,
    `${options.rounds} rounds of ${options.seconds} s`,
  ].join("; ");
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}\n${describeError(error.cause)}`;
}
