import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

const OUTPUT_TAIL_MAX = 4000;
const START_SECONDS_MAX = 60;
const STOP_SECONDS_MAX = 15;
/** Short against the start times that are measured. */
const READY_POLL_MILLISECONDS = 5;

/** Lets no child outlive a runner that was killed. */
const STOP_WITH_PARENT = new URL("../bin/stop-with-parent.mjs", import.meta.url).href;

/** The core a child is pinned to where `taskset` is there: the server and its load must not compete. */
export const SERVER_CORE = 0;
export const LOAD_CORE = 1;

/** A server under measurement, and how long it took from the call to the first answer. */
export type ServerProcess = { pid: number; port: number; startSeconds: number; stop(): Promise<void> };

/** How to start a server. */
export type ServerCommand = {
  name: string;
  args: string[];
  env?: Record<string, string>;
  /** Lets it use every core instead of the server's. */
  isUnpinned?: boolean;
  /** Looks at what was printed so far and tells the port once the server is ready. */
  readyPort: (printed: string) => Promise<number | undefined> | number | undefined;
  signal: AbortSignal;
};

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts a Node program pinned to the server's core and waits until it is ready; throws with its output if not. */
export async function startServer(command: ServerCommand): Promise<ServerProcess> {
  const calledAt = performance.now();
  const child = startNode(command.isUnpinned === true ? undefined : SERVER_CORE, command.args, command.env);
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      printed = (printed + chunk).slice(-OUTPUT_TAIL_MAX);
    });
  }
  child.stdin?.end();
  try {
    const port = await waitUntilReady(command, child, () => printed);
    const startSeconds = (performance.now() - calledAt) / 1000;
    return { pid: pidOf(child), port, startSeconds, stop: () => stopChild(child, command.name) };
  } catch (cause) {
    await stopChild(child, command.name);
    throw new Error(`${command.name} did not start; it printed:\n${printed}`, { cause });
  }
}

async function waitUntilReady(command: ServerCommand, child: ChildProcess, printed: () => string): Promise<number> {
  const end = performance.now() + START_SECONDS_MAX * 1000;
  while (performance.now() < end) {
    command.signal.throwIfAborted();
    if (hasEnded(child)) throw new Error(`${command.name} ended with ${child.exitCode ?? child.signalCode}`);
    const port = await command.readyPort(printed());
    if (port !== undefined) return port;
    await new Promise((resolve) => setTimeout(resolve, READY_POLL_MILLISECONDS));
  }
  throw new Error(`${command.name} was not ready after ${START_SECONDS_MAX} s`);
}

/** A program that is run to its end; `core` is where it is pinned to, anywhere when undefined. */
export type Program = { args: string[]; input: string; core: number | undefined; signal: AbortSignal };

/** Runs a Node program, gives it `input` and returns what it printed; an abort kills it. */
export async function runProgram({ args, input, core, signal }: Program): Promise<string> {
  signal.throwIfAborted();
  const child = startNode(core, args);
  const kill = () => child.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });
  try {
    child.stdin?.on("error", () => undefined).end(input);
    const output = child.stdout === null || child.stderr === null ? [] : [text(child.stdout), text(child.stderr)];
    const [[code], printed = "", complaint = ""] = await Promise.all([once(child, "close"), ...output]);
    signal.throwIfAborted();
    if (code !== 0) throw new Error(`${args[0]} failed: ${complaint.slice(-OUTPUT_TAIL_MAX)}`);
    return printed;
  } finally {
    signal.removeEventListener("abort", kill);
  }
}

function startNode(core: number | undefined, args: string[], env: Record<string, string> = {}): ChildProcess {
  const command = [
    ...(core === undefined ? [] : pinning(core)),
    process.execPath,
    "--import",
    STOP_WITH_PARENT,
    ...args,
  ];
  const child = spawn(command[0] ?? process.execPath, command.slice(1), {
    stdio: ["pipe", "pipe", "pipe", "ipc"],
    env: { ...inheritedEnvironment(), NODE_ENV: "production", ...env },
  });
  running.add(child);
  child.once("close", () => running.delete(child));
  return child;
}

/** The shell's environment without settings that would change what is measured. */
function inheritedEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(MAYFLY_|NODE_OPTIONS$|NODE_V8_COVERAGE$|UV_|PG)/.test(name)),
  );
}

/** True when children can be pinned to this core. */
export function canPin(core: number): boolean {
  return pinning(core).length > 0;
}

const pinnings = new Map<number, string[]>();

function pinning(core: number): string[] {
  const known = pinnings.get(core);
  if (known !== undefined) return known;
  const prefix = ["taskset", "-c", String(core)];
  const works = spawnSync("taskset", [...prefix.slice(1), "true"], { stdio: "ignore" }).status === 0;
  pinnings.set(core, works ? prefix : []);
  return works ? prefix : [];
}

async function stopChild(child: ChildProcess, name: string): Promise<void> {
  if (hasEnded(child)) return;
  const closed = once(child, "close");
  child.kill("SIGTERM");
  const timer = setTimeout(() => {
    process.stderr.write(`${name} did not end ${STOP_SECONDS_MAX} s after SIGTERM; killed\n`);
    child.kill("SIGKILL");
  }, STOP_SECONDS_MAX * 1000);
  await closed;
  clearTimeout(timer);
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error("the process has no id");
  return child.pid;
}
