/**
 * Installs what package-lock.json names, when it names something else than what is installed. `start`, `test` and the rest
 * run this first, so that a fresh clone needs no other command. Plain JavaScript that the machine's own Node can run.
 *
 *   node bin/install.mjs          the packages
 *   node bin/install.mjs --test   and what only the tests use: the packages of the generated client, and programs, where the machine's own
 *                                 package manager can bring them
 *   node bin/install.mjs --mark   only note that npm has just installed them
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { installTestPrograms } from "./install-test-programs.mjs";
import { findInstalledNode, isOwnNodeRecent, ROOT } from "./runtime.mjs";

const NODE_MAJOR_OLDEST = 18;
const INSTALL_SECONDS_MAX = 600;
const OUTPUT_LINES_SHOWN = 15;
const LOCK_POLL_MILLISECONDS = 250;
const NPM_FLAGS = [
  ...["ci", "--ignore-scripts", "--include=dev", "--include=optional", "--prefer-offline", "--no-audit", "--no-fund"],
  "--no-engine-strict", // the packages are run by the Node that is one of them, not by that of the machine
  ...["--loglevel=error", "--fetch-retries=3", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=8000"],
];
const NETWORK_ERROR =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|network/i;

/** Its packages want another compiler than ours, so it has a lockfile of its own. */
const GENERATED_CLIENT = join(ROOT, "test", "openapi-client");

process.exitCode = await main(process.argv.slice(2));

/** @param {string[]} flags */
async function main(flags) {
  try {
    if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR_OLDEST) {
      throw new Error(`Mayfly's launcher needs Node 20 or newer; this is ${process.version}`);
    }
    if (flags.includes("--mark")) mark(ROOT);
    else if (!isInstalled(ROOT)) await installUnderLock(ROOT);
    if (flags.includes("--test")) {
      if (!isInstalled(GENERATED_CLIENT)) await installUnderLock(GENERATED_CLIENT);
      await installTestPrograms();
    }
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    return 1;
  }
}

/** @param {string} folder */
function markerOf(folder) {
  return join(folder, "node_modules", ".mayfly-install");
}

/**
 * What is installed depends on the lockfile and on the machine it was installed for.
 * @param {string} folder
 */
function fingerprint(folder) {
  const lockfile = readFileSync(join(folder, "package-lock.json"));
  return createHash("sha256").update(lockfile).update(`${process.platform}-${process.arch}`).digest("hex");
}

/** @param {string} folder */
function isInstalled(folder) {
  const marker = markerOf(folder);
  if (!existsSync(marker) || readFileSync(marker, "utf8").trim() !== fingerprint(folder)) return false;
  return isOwnNodeRecent() || findInstalledNode() !== undefined;
}

/** @param {string} folder */
function mark(folder) {
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  writeFileSync(markerOf(folder), `${fingerprint(folder)}\n`);
}

/**
 * Two commands started at once must not both empty node_modules: the second waits, and finds the work done.
 * @param {string} folder
 */
async function installUnderLock(folder) {
  const name = createHash("sha256").update(folder).digest("hex").slice(0, 16);
  const lock = join(tmpdir(), `mayfly-install-${name}`);
  await takeLock(lock);
  try {
    if (!isInstalled(folder)) await install(folder);
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/** @param {string} lock */
async function takeLock(lock) {
  const end = Date.now() + INSTALL_SECONDS_MAX * 1000;
  while (Date.now() < end) {
    try {
      mkdirSync(lock);
      writeFileSync(join(lock, "pid"), String(process.pid));
      return;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
      if (isAbandoned(lock)) rmSync(lock, { recursive: true, force: true });
      else await sleep(LOCK_POLL_MILLISECONDS);
    }
  }
  throw new Error(
    `another installation has not ended in ${INSTALL_SECONDS_MAX / 60} minutes; if none runs, remove ${lock}`,
  );
}

/** @param {string} lock */
function isAbandoned(lock) {
  try {
    process.kill(Number(readFileSync(join(lock, "pid"), "utf8")), 0);
    return false;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EPERM") return false;
    return isOlderThan(lock, 1); // between mkdir and the writing of its pid a lock is young, not abandoned
  }
}

/**
 * @param {string} path
 * @param {number} seconds
 */
function isOlderThan(path, seconds) {
  try {
    return Date.now() - statSync(path).mtimeMs > seconds * 1000;
  } catch {
    return false; // released in this moment
  }
}

/** @param {string} folder */
async function install(folder) {
  process.stderr.write("Installing Mayfly's packages (only when they changed) ... ");
  const started = Date.now();
  const { code, output } = await runNpm(folder);
  if (code !== 0) {
    process.stderr.write("failed\n");
    throw new Error(explain(output));
  }
  mark(folder);
  process.stderr.write(`done in ${((Date.now() - started) / 1000).toFixed(0)} s\n`);
  if (!isOwnNodeRecent() && findInstalledNode() === undefined) {
    throw new Error(
      `npm has no Node 26 for ${process.platform} ${process.arch}; install Node 26 and run this again with it`,
    );
  }
}

/**
 * @param {string} folder
 * @returns {Promise<{ code: number, output: string }>}
 */
function runNpm(folder) {
  return new Promise((resolve) => {
    const child = spawn("npm", NPM_FLAGS, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
    child.on("error", (error) => resolve({ code: 1, output: `npm could not be started: ${error.message}` }));
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

/** @param {string} output */
function explain(output) {
  const lines = output.trim().split("\n");
  if (!NETWORK_ERROR.test(output)) return ["npm ci failed:", ...lines.slice(0, OUTPUT_LINES_SHOWN)].join("\n");
  const advice = "Check the network, or name a mirror with: npm config set registry URL";
  const reason = lines.find((line) => NETWORK_ERROR.test(line)) ?? "";
  return `The npm registry could not be reached, so Mayfly's packages are not installed yet. ${advice}\n${reason}`;
}
