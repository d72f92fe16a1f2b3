/**
 * Runs the tests: one process with the embedded database and one with a PostgreSQL server that this command starts, side by
 * side. What is left to npm is only to install; what is left to the tests is only to test.
 *
 *   npm test                          all of them, on both databases
 *   npm test -- --embedded            on one; the other is --postgresql
 *   npm test -- src/protocol          only these files or folders
 *   npm test -- --test-name-pattern=x further options of Node's test runner
 *   npm run test:faults               test/faults, one database after the other
 */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { constants } from "node:os";
import { join, relative, sep } from "node:path";
import { createInterface } from "node:readline";
import { startPostgres } from "./postgres.mjs";
import { getNode, nodeEnvironment, ROOT } from "./runtime.mjs";

const FAULTS = "test/faults";
const TEST_FOLDERS = ["src", "test", "bench"];
const LIMITS = {
  test: { testSeconds: 120, runSeconds: 1080 },
  faults: { testSeconds: 600, runSeconds: 1200 },
};
const COUNTS = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/;

/** @typedef {"embedded" | "postgresql"} Side */
/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */
/** @typedef {{ kind: keyof typeof LIMITS, sides: Side[], paths: string[], nodeFlags: string[] }} Request */

/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();
const interrupt = new AbortController();
/** @type {NodeJS.Signals | undefined} */
let interruptedBy;

for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
  process.on(signal, () => {
    interruptedBy ??= signal;
    interrupt.abort();
    for (const child of running) child.kill("SIGKILL");
  });
}
process.exitCode = await main(parseArguments(process.argv.slice(2)));

/**
 * @param {string[]} args
 * @returns {Request}
 */
function parseArguments(args) {
  /** @type {Side[]} */
  const sides = ["embedded", "postgresql"];
  const chosen = sides.filter((side) => args.includes(`--${side}`));
  const own = ["--faults", ...sides.map((side) => `--${side}`)];
  return {
    kind: args.includes("--faults") ? "faults" : "test",
    sides: chosen.length === 0 ? sides : chosen,
    paths: args.filter((arg) => !arg.startsWith("-")),
    nodeFlags: args.filter((arg) => arg.startsWith("-") && !own.includes(arg)),
  };
}

/** @param {Request} request */
async function main(request) {
  try {
    const files = findFiles(request);
    if (files.length === 0) throw new Error("no test file matches");
    const results = await runSides(request, files);
    if (interruptedBy !== undefined) return 128 + constants.signals[interruptedBy];
    return summarise(results);
  } catch (error) {
    if (interruptedBy !== undefined) return 128 + constants.signals[interruptedBy];
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.stdout.write("0 passed, 1 failed\n");
    return 1;
  }
}

/** @param {Counts[]} results */
function summarise(results) {
  const [passed, failed, skipped] = /** @type {const} */ (["passed", "failed", "skipped"]).map((key) =>
    results.reduce((sum, counts) => sum + counts[key], 0),
  );
  process.stdout.write(`\n${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}\n`);
  if (passed === 0 && failed === 0) process.stderr.write("no test was run\n");
  return failed === 0 && passed !== 0 ? 0 : 1;
}

/**
 * Node is given a list of files, not a pattern: without one it would take every file below test/ for a test.
 * @param {Request} request
 */
function findFiles({ kind, paths }) {
  if (paths.length > 0) return paths.flatMap(listTests);
  if (kind === "faults") return listTests(join(ROOT, FAULTS));
  return TEST_FOLDERS.flatMap((folder) => listTests(join(ROOT, folder))).filter(
    (file) => !file.startsWith(`${FAULTS}/`),
  );
}

/**
 * @param {string} path a file, or a folder with tests of ours anywhere below
 * @returns {string[]} as paths from the root, in order
 */
function listTests(path) {
  if (!existsSync(path)) return [];
  const names = statSync(path).isDirectory()
    ? readdirSync(path, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".test.ts") && !name.includes("node_modules"))
        .map((name) => join(path, name))
    : [path];
  return names.map((name) => relative(ROOT, name).split(sep).join("/")).sort();
}

/**
 * @param {Request} request
 * @param {string[]} files
 */
async function runSides(request, files) {
  const server = request.sides.includes("postgresql") ? await startPostgres() : undefined;
  try {
    interrupt.signal.throwIfAborted();
    const run = (/** @type {Side} */ side) => runSide(side, server?.url, files, request);
    if (request.kind === "test") return await Promise.all(request.sides.map(run));
    /** @type {Counts[]} */
    const results = [];
    for (const side of request.sides) if (!interrupt.signal.aborted) results.push(await run(side));
    return results;
  } finally {
    await server?.stop();
  }
}

/**
 * @param {Side} side
 * @param {string | undefined} url
 * @param {string[]} files
 * @param {Request} request
 * @returns {Promise<Counts>}
 */
async function runSide(side, url, files, request) {
  const { testSeconds, runSeconds } = LIMITS[request.kind];
  const flags = ["--test", "--test-isolation=none", "--test-force-exit", `--test-timeout=${testSeconds * 1000}`];
  const reporter = ["--test-reporter=./bin/reporter.mjs", "--test-reporter-destination=stdout"];
  const child = spawn(getNode(), [...flags, ...reporter, ...request.nodeFlags, ...files], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...nodeEnvironment(),
      MAYFLY_TEST_DATABASE: side,
      ...(url === undefined ? {} : { MAYFLY_TEST_DATABASE_URL: url }),
    },
  });
  running.add(child);
  const timer = setTimeout(() => child.kill("SIGKILL"), runSeconds * 1000);
  /** @type {Counts | undefined} */
  let counts;
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      counts = parseCounts(line) ?? counts;
      process.stdout.write(`${side.padEnd(10)} | ${line}\n`);
    });
  }
  const { code, signal } = await ended(child);
  clearTimeout(timer);
  running.delete(child);
  return judge(side, counts, code ?? signal);
}

/**
 * @param {import("node:child_process").ChildProcess} child
 * @returns {Promise<{ code: number | null, signal: NodeJS.Signals | null }>}
 */
function ended(child) {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal }));
  });
}

/**
 * @param {string} line
 * @returns {Counts | undefined}
 */
function parseCounts(line) {
  const match = COUNTS.exec(line);
  return match === null
    ? undefined
    : { passed: Number(match[1]), failed: Number(match[2]), skipped: Number(match[3] ?? 0) };
}

/**
 * A process that ended badly without naming a failure has failed once.
 * @param {Side} side
 * @param {Counts | undefined} counts
 * @param {number | string | null} status
 */
function judge(side, counts, status) {
  const known = counts ?? { passed: 0, failed: 0, skipped: 0 };
  if (status === 0 && counts !== undefined) return known;
  if (known.failed > 0 || interruptedBy !== undefined) return known;
  process.stdout.write(
    `${side.padEnd(10)} | the process ended with ${status} and no failing test: a crash, or the time limit\n`,
  );
  return { ...known, failed: 1 };
}
