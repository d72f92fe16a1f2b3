import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findFreePort } from "../../bin/free-port.mjs";
import type { Environment } from "../../src/config.ts";
import { createTestDatabase } from "./test-database.ts";

// The server as its users start it: a process of its own, through the launcher, so that it can be killed.

const LAUNCHER = fileURLToPath(new URL("../../bin/mayfly.mjs", import.meta.url));
const READY_SECONDS_MAX = 60;
const STOP_SECONDS_MAX = 40;

/** What the first start writes to `bootstrap.json` (specification section 8). */
export interface Credentials {
  readonly public_url: string;
  readonly tenant_id: string;
  readonly realm_id: string;
  readonly application_id: string;
  readonly client_id: string;
  readonly client_secret: string;
  readonly issuer: string;
  readonly token_endpoint: string;
  readonly introspection_endpoint: string;
}

/** Credentials whose endpoints are those of one node, or of what stands before several: their issuer is one. */
export function credentialsAt(url: string, credentials: Credentials): Credentials {
  const move = (text: string) => text.replace(credentials.public_url, url);
  const { issuer, token_endpoint, introspection_endpoint } = credentials;
  return {
    ...credentials,
    issuer: move(issuer),
    token_endpoint: move(token_endpoint),
    introspection_endpoint: move(introspection_endpoint),
  };
}

/** How a process ended, and all it said. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ServerProcess {
  readonly pid: number;
  readonly url: string;
  readonly operationsUrl: string;
  /** what it has printed so far */
  readonly output: { readonly stdout: string; readonly stderr: string };
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<Ended>;
  /** Sends a signal and does not wait. */
  signal(signal: NodeJS.Signals): void;
  readonly ended: Promise<Ended>;
}

/** A place where server processes live one after the other: one data directory, one database, one pair of ports. */
export interface ServerPlace {
  readonly dataDirectory: string;
  readonly environment: Environment;
  /** Starts the server and waits until it is ready. */
  start(environment?: Environment): Promise<ServerProcess>;
  /** Starts the server and waits until it ends, for starts that must fail. */
  startToEnd(environment?: Environment, args?: readonly string[]): Promise<Ended>;
  readCredentials(): Credentials;
  remove(): Promise<void>;
}

export interface PlaceOptions {
  /** instead of a database of the run's side */
  readonly database?: Environment;
  /** instead of this version's own */
  readonly launcher?: string;
}

/** What is not removed when this process ends: directories, and the servers in them. */
const places = new Map<string, ReadonlySet<ChildProcess>>();
process.once("exit", () => {
  for (const [directory, children] of places) {
    for (const child of children) child.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  }
});

/** A new place on the database of this run's side. */
export async function serverPlace(options: PlaceOptions = {}): Promise<ServerPlace> {
  const dataDirectory = await mkdtemp(join(tmpdir(), "mayfly-process-"));
  const database =
    options.database === undefined
      ? await createTestDatabase()
      : { environment: options.database, drop: async () => undefined };
  const [port, opsPort] = [await findFreePort(), await findFreePort()];
  const environment = {
    MAYFLY_PORT: String(port),
    MAYFLY_OPS_PORT: String(opsPort),
    MAYFLY_DATA_DIR: dataDirectory,
    MAYFLY_LOG_LEVEL: "error",
    ...database.environment,
  };
  const children = new Set<ChildProcess>();
  const launch = (more: Environment, args: readonly string[] = []) => {
    const launched = launchServer({ ...environment, ...more }, [options.launcher ?? LAUNCHER, ...args]);
    children.add(launched.child);
    return launched;
  };
  places.set(dataDirectory, children);
  return {
    dataDirectory,
    environment,
    start: (more = {}) => waitUntilReady(launch(more), { port, opsPort }),
    startToEnd: (more = {}, args = []) => launch(more, args).ended,
    readCredentials: () => JSON.parse(readFileSync(join(dataDirectory, "bootstrap.json"), "utf8")) as Credentials,
    remove: async () => {
      places.delete(dataDirectory);
      for (const child of children) await kill(child);
      await database.drop();
      await rm(dataDirectory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

interface Launched {
  readonly child: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  readonly ended: Promise<Ended>;
}

function launchServer(environment: Environment, args: readonly string[]): Launched {
  const child = spawn(process.execPath, [...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...foreignVariables(), ...environment },
  });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  const ended = once(child, "close").then(([code, signal]: unknown[]): Ended => {
    return { code: code as number | null, signal: signal as NodeJS.Signals | null, ...output };
  });
  return { child, output, ended };
}

// Nothing of ours may leak in. With npm's variable the server stops by itself when this process is gone.
function foreignVariables(): Environment {
  const own = Object.entries(process.env).filter(([name]) => !/^(MAYFLY_|NODE_TEST_)/.test(name));
  return { ...Object.fromEntries(own), npm_lifecycle_event: "test" };
}

async function waitUntilReady(
  { child, output, ended }: Launched,
  ports: { readonly port: number; readonly opsPort: number },
): Promise<ServerProcess> {
  const url = `http://localhost:${ports.port}`;
  const ready = new Promise<"ready">((resolve) => {
    child.stdout?.on("data", () => {
      if (output.stdout.includes("Mayfly is ready")) resolve("ready");
    });
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), READY_SECONDS_MAX * 1000);
  const first = await Promise.race([ready, ended]);
  clearTimeout(timer);
  if (first !== "ready") throw new Error(`the server did not start: ${first.signal ?? first.code}\n${first.stderr}`);
  const { pid } = child;
  if (pid === undefined) throw new Error("a server that is ready has no process id");
  return {
    pid,
    url,
    operationsUrl: `http://127.0.0.1:${ports.opsPort}`,
    output,
    ended,
    signal: (signal) => void child.kill(signal),
    end: async (signal) => {
      child.kill(signal);
      const late = setTimeout(() => child.kill("SIGKILL"), STOP_SECONDS_MAX * 1000);
      const result = await ended;
      clearTimeout(late);
      return result;
    },
  };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "close");
  child.kill("SIGKILL");
  await closed;
}
