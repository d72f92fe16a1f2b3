/**
 * `npm run bench [name ...] [-- options]`: measures Mayfly and its peer side by side and prints a table of medians and
 * ratios. See README.md beside this file.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { chosenContenders, type RunContext, runCase } from "./case-runner.ts";
import { canPin, LOAD_CORE, SERVER_CORE } from "./child-process.ts";
import { openDatabaseServer } from "./database.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import { startProgress } from "./progress.ts";
import { type CaseResult, formatTable, listDoubts } from "./table.ts";

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
      const results = await runAll({ options, database, directory, signal, progress: startBar(options) });
      const doubts = listDoubts(results);
      const head = `${describeRun(options)}; ${database.description}`;
      process.stdout.write(`${[head, "", formatTable(results), ...doubts.map((doubt) => `\n${doubt}`)].join("\n")}\n`);
      return doubts.length === 0 ? 0 : 1;
    } finally {
      await database.stop();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function runAll(context: RunContext): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  try {
    for (const benchmarkCase of casesOf(context.options)) {
      results.push({ benchmarkCase, measurements: await runCase(benchmarkCase, context) });
    }
    return results;
  } finally {
    context.progress.end();
  }
}

function casesOf(options: Options) {
  return options.benchmarks.flatMap((benchmark) => benchmark.cases);
}

function startBar(options: Options) {
  const contenders = casesOf(options).map((benchmarkCase) => chosenContenders(benchmarkCase, options).length);
  return startProgress(contenders.reduce((sum, count) => sum + count, 0) * options.rounds);
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
