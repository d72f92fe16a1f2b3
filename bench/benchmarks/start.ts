import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findFreePort } from "../../bin/free-port.mjs";
import type { CustomBenchmark, Row } from "../benchmark.ts";
import { startServer } from "../child-process.ts";
import { isReady } from "../ready.ts";
import { makeDirectory, type RunContext } from "../run-context.ts";
import { median } from "../statistics.ts";
import type { Target } from "../verdict.ts";

const LAUNCHER = fileURLToPath(new URL("../../bin/mayfly.mjs", import.meta.url));
const MASTER_KEY_BYTES = 32;
const STARTS = 5;
const STEPS = 2 * STARTS;

const TARGETS: Record<string, { first?: Target; second: Target }> = {
  PostgreSQL: { second: { atMost: 0.6 } },
  embedded: { first: { atMost: 2 }, second: { atMost: 1 } },
};

/** From `node bin/mayfly.mjs` to the first answer of `/health/ready`, on an empty database and on the same one again. */
export const start: CustomBenchmark = {
  name: "start",
  isHeavy: false,
  steps: () => STEPS,
  async run(context) {
    const rows: Row[] = [];
    for (const [kind, targets] of Object.entries(TARGETS)) {
      const seconds: { first: number[]; second: number[] } = { first: [], second: [] };
      for (let index = 0; index < STARTS; index += 1) {
        context.progress.step(`start on ${kind}, ${index + 1}`);
        const { first, second } = await startTwice(kind, context);
        seconds.first.push(first);
        seconds.second.push(second);
      }
      for (const which of ["first", "second"] as const) {
        const target = targets[which];
        rows.push({
          label: `ready, ${which} start, ${kind}`,
          value: median(seconds[which]),
          unit: "s",
          ...(target === undefined ? {} : { target }),
          note: `${STARTS} starts, ${Math.min(...seconds[which]).toFixed(2)} to ${Math.max(...seconds[which]).toFixed(2)} s`,
        });
      }
    }
    return rows;
  },
};

async function startTwice(kind: string, context: RunContext): Promise<{ first: number; second: number }> {
  const port = await findFreePort();
  const database = kind === "PostgreSQL" ? await context.database.createDatabase() : undefined;
  const environment = {
    MAYFLY_PORT: String(port),
    MAYFLY_OPS_PORT: "0",
    MAYFLY_DATA_DIR: join(makeDirectory(context, "start"), "data"),
    MAYFLY_LOG_LEVEL: "error",
    MAYFLY_MASTER_KEY: randomBytes(MASTER_KEY_BYTES).toString("base64url"),
    ...(database === undefined ? {} : { MAYFLY_DATABASE_URL: database.url }),
  };
  const startOnce = async (): Promise<number> => {
    const server = await startServer({
      name: "mayfly",
      args: [LAUNCHER],
      env: environment,
      isUnpinned: true,
      readyPort: async () => ((await isReady(port)) ? port : undefined),
      signal: context.signal,
    });
    await server.stop();
    return server.startSeconds;
  };
  return { first: await startOnce(), second: await startOnce() };
}
