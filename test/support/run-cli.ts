import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import type { Environment } from "../../src/config.ts";
import type { TestApplication } from "./test-tenant.ts";

// The command line as its users start it: a process of its own, through the launcher.

/** What starts the command line. */
export const LAUNCHER = fileURLToPath(new URL("../../bin/mayfly.mjs", import.meta.url));

/** How a command ended, and all it said. */
export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly input?: string | undefined;
  readonly environment?: Environment;
  /** on a terminal of its own, where standard error and standard output are one */
  readonly onTerminal?: boolean;
}

/** A user of the command line: a home and a working directory of its own, which are gone when the process's tests are over. */
export interface CliUser {
  readonly directory: string;
  run(args: readonly string[], options?: CliOptions): Promise<CliResult>;
}

const directories: string[] = [];
after(() => Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true }))));

/** A user with nothing yet, or one whose environment holds the credentials of an application. */
export async function cliUser(application?: TestApplication): Promise<CliUser> {
  const directory = await mkdtemp(join(tmpdir(), "mayfly-cli-user-"));
  directories.push(directory);
  const credentials = application === undefined ? {} : credentialsOf(application);
  const own = { XDG_CONFIG_HOME: join(directory, "config"), ...credentials };
  return {
    directory,
    run: (args, options = {}) => run(directory, args, { ...options, environment: { ...own, ...options.environment } }),
  };
}

/** What a pipeline sets instead of logging in. */
export function credentialsOf({ issuer, clientId, clientSecret }: TestApplication): Environment {
  return { MAYFLY_CLI_ISSUER: issuer, MAYFLY_CLI_CLIENT_ID: clientId, MAYFLY_CLI_CLIENT_SECRET: clientSecret };
}

/** What a command that succeeded printed. */
export function jsonOf(result: CliResult): Record<string, unknown> {
  assert.equal(result.code, 0, result.stderr);
  return JSON.parse(result.stdout);
}

/** A command has printed nothing, ended with 1, and said this. */
export function assertRefused(result: CliResult, ...said: readonly RegExp[]): void {
  assert.deepEqual([result.code, result.stdout], [1, ""], result.stderr);
  for (const pattern of said) assert.match(result.stderr, pattern);
}

async function run(directory: string, args: readonly string[], options: CliOptions): Promise<CliResult> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(MAYFLY_|NODE_TEST_|npm_)/.test(name));
  const [program = "", ...rest] =
    options.onTerminal === true ? onTerminal(args) : [process.execPath, LAUNCHER, ...args];
  const child = spawn(program, rest, {
    cwd: directory,
    env: { ...Object.fromEntries(inherited), ...options.environment },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
      // Typed when it is asked for, as a person does; what is typed earlier the terminal shows.
      if (options.onTerminal === true && /: $/.test(text)) child.stdin.end(options.input);
    });
  }
  child.stdin.on("error", () => undefined); // a command that reads nothing may end first
  if (options.onTerminal !== true) child.stdin.end(options.input ?? "");
  const [code]: unknown[] = await once(child, "close");
  return { code: typeof code === "number" ? code : null, ...output };
}

/** The command on a pseudo-terminal, by the `script` that every Linux and macOS has. */
function onTerminal(args: readonly string[]): string[] {
  const command = [process.execPath, LAUNCHER, ...args];
  if (process.platform === "darwin") return ["script", "-q", "/dev/null", ...command];
  const quoted = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  return ["script", "--quiet", "--return", "--command", quoted, "/dev/null"];
}
