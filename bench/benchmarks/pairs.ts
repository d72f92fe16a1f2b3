import { randomBytes } from "node:crypto";
import { type NodeGroup, startNodeGroup } from "../../test/support/node-group.ts";
import { countStale } from "../../test/support/revocations.ts";
import type { CustomBenchmark, Row } from "../benchmark.ts";
import type { RunContext, RunSettings } from "../run-context.ts";

const NODES = 3;
const PAIRS_FULL = 100_000;
const PAIRS = 10_000;
/** between two steps of the progress bar */
const PAIRS_A_STEP = 2_000;
const MASTER_KEY_BYTES = 32;

/**
 * Tokens that are issued by one node, revoked by the next and introspected at once by the third, by the same function as
 * `npm run test:faults`: how many are active after their revocation.
 */
export const pairs: CustomBenchmark = {
  name: "pairs",
  isHeavy: true,
  steps: (settings) => pairsOf(settings) / PAIRS_A_STEP,
  async run(context) {
    const { url } = await context.database.createDatabase();
    const masterKey = randomBytes(MASTER_KEY_BYTES).toString("base64url");
    const environment = { MAYFLY_DATABASE_URL: url, MAYFLY_MASTER_KEY: masterKey };
    const group = await startNodeGroup(NODES, environment);
    try {
      const rows = await count(group, context);
      await group.stop();
      return rows;
    } finally {
      await group.remove();
    }
  },
};

function pairsOf({ isFull }: RunSettings): number {
  return isFull ? PAIRS_FULL : PAIRS;
}

async function count({ nodes }: NodeGroup, { settings, progress, signal }: RunContext): Promise<Row[]> {
  const credentials = nodes.map((node) => node.credentials);
  const total = pairsOf(settings);
  let stale = 0;
  const startedAt = performance.now();
  for (let made = 0; made < total; made += PAIRS_A_STEP) {
    signal.throwIfAborted();
    progress.step(`pairs: ${made.toLocaleString("en-US")} of ${total.toLocaleString("en-US")}, ${stale} stale`);
    stale += await countStale(credentials, PAIRS_A_STEP);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  return [
    {
      label: `${total.toLocaleString("en-US")} tokens revoked at one node and introspected at another, ${NODES} nodes`,
      value: stale,
      unit: "stale answers",
      target: { atMost: 0 },
      note: `in ${seconds.toFixed(0)} s`,
    },
  ];
}
