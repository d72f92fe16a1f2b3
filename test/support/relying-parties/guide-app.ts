import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { findFreePort } from "../../../bin/free-port.mjs";
import type { TestApplication } from "../test-tenant.ts";
import { type GuideCode, writeGuideCode } from "./guide-code.ts";

/** The app of the guide for Node, in a process of its own as its readers start it. */
export interface GuideApp extends AsyncDisposable {
  readonly port: number;
}

/** Starts the app as it stands in the guide, for an address that leads to it. */
export async function startGuideApp(origin: string, application: TestApplication): Promise<GuideApp> {
  const code = await writeGuideCode("node-app.md", "app.mjs");
  const port = await findFreePort();
  const app = await runGuideCode(code, {
    ISSUER: application.issuer,
    CLIENT_ID: application.clientId,
    CLIENT_SECRET: application.clientSecret,
    PORT: String(port),
    ORIGIN: origin,
  });
  return { port, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
}

/** Runs a guide's code in a process of its own until it says that it listens. At its end the code goes with it. */
export async function runGuideCode(
  code: GuideCode,
  variables: Readonly<Record<string, string>>,
): Promise<AsyncDisposable> {
  const child = spawn(process.execPath, [code.file], {
    cwd: code.directory,
    env: { PATH: process.env.PATH, ...variables },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.kill()) await once(child, "exit");
    await code.remove();
  };
  await listening(child).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { [Symbol.asyncDispose]: stop };
}

/** Waits for its first line, which says that it listens. */
async function listening(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`the guide's app has ended with ${code}`);
  });
  if (child.stdout === null) throw new Error("no output");
  await Promise.race([once(child.stdout, "data"), ended]);
}
