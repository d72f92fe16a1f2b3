import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { CustomBenchmark, Row } from "../benchmark.ts";
import type { RunContext } from "../run-context.ts";

const TIMES_FULL = 10;
const TEST_MS_MAX = 1_800_000;
const NAMED = /^(\d+) passed, (\d+) failed/;

/** The tests that try a law of docs/lifetimes.md on what they generate. */
const LAWS = [
  { label: "a preview equals the issue", file: "test/flows/preview.test.ts", name: "a preview equals the issue" },
  { label: "shortens end at the smallest", file: "test/races/shorten.test.ts", name: "shortens at once" },
  { label: "no descendant outlives its ancestor", file: "test/flows/lineage-law.test.ts", name: "." },
  { label: "many at once", file: "test/races/token-revocations.test.ts", name: "." },
];

/**
 * The laws of lifetimes, by the same tests as `npm test`, with `--full` on ten times as much: 10,000 previews of clients, 1,000
 * interleavings of shortens, 10,000 attempts at forests.
 */
export const laws: CustomBenchmark = {
  name: "laws",
  isHeavy: true,
  steps: () => LAWS.length,
  async run(context) {
    const rows: Row[] = [];
    for (const law of LAWS) {
      context.progress.step(`laws: ${law.label}`);
      rows.push(await tryLaw(law, context));
    }
    return rows;
  },
};

async function tryLaw({ label, file, name }: (typeof LAWS)[number], { settings, signal }: RunContext): Promise<Row> {
  const times = settings.isFull ? TIMES_FULL : 1;
  const flags = [`--test-name-pattern=${name}`, `--test-timeout=${TEST_MS_MAX}`];
  const child = spawn(process.execPath, ["bin/test.mjs", file, ...flags], {
    env: { ...process.env, MAYFLY_TEST_LAWS_TIMES: String(times) },
    stdio: ["ignore", "pipe", "inherit"],
    signal,
  });
  let summary: RegExpExecArray | null = null;
  for await (const line of createInterface(child.stdout)) summary = NAMED.exec(line) ?? summary;
  const [, passed, failed] = summary ?? [];
  return {
    label,
    value: failed === undefined || passed === "0" ? undefined : Number(failed),
    unit: "tests failed",
    target: { atMost: 0 },
    note: `${passed ?? 0} passed, ${times === 1 ? "as in npm test" : `${times} times as much as in npm test`}, on both databases`,
  };
}
