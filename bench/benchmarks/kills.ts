import { randomBytes } from "node:crypto";
import { type PostgresServer, startPostgres } from "../../bin/postgres.mjs";
import { type KillReport, killUnderLoad } from "../../test/support/kill-under-load.ts";
import { serverPlace } from "../../test/support/server-process.ts";
import type { CustomBenchmark, Row } from "../benchmark.ts";
import type { RunContext, RunSettings } from "../run-context.ts";

const KILLS_FULL = 100;
const KILLS = 10;
const MASTER_KEY_BYTES = 32;

type Victim = { label: string; database: "embedded" | "PostgreSQL"; isDatabase: boolean };

const VICTIMS: Victim[] = [
  { label: "node killed, embedded database", database: "embedded", isDatabase: false },
  { label: "node killed, PostgreSQL", database: "PostgreSQL", isDatabase: false },
  { label: "PostgreSQL killed", database: "PostgreSQL", isDatabase: true },
];

/**
 * `kill -9` under a load of tokens, revocations and refreshes, of the node and of its database, by the same functions as
 * `npm run test:faults`: how much that a client had been told of is lost.
 */
export const kills: CustomBenchmark = {
  name: "kills",
  isHeavy: true,
  steps: (settings) => VICTIMS.length * killsOf(settings),
  async run(context) {
    const rows: Row[] = [];
    for (const victim of VICTIMS) rows.push(...describe(victim, await killRepeatedly(victim, context), context));
    return rows;
  },
};

function killsOf({ isFull }: RunSettings): number {
  return isFull ? KILLS_FULL : KILLS;
}

async function killRepeatedly(victim: Victim, context: RunContext): Promise<KillReport> {
  if (victim.database === "embedded") return killAt(victim, undefined, context);
  // Of its own, since it is to be killed.
  const postgres = await startPostgres();
  try {
    return await killAt(victim, postgres, context);
  } finally {
    await postgres.stop();
  }
}

async function killAt(
  { label, isDatabase }: Victim,
  postgres: PostgresServer | undefined,
  { settings, progress, signal }: RunContext,
): Promise<KillReport> {
  const masterKey = randomBytes(MASTER_KEY_BYTES).toString("base64url");
  const onServer = postgres === undefined ? {} : { MAYFLY_DATABASE_URL: postgres.url, MAYFLY_MASTER_KEY: masterKey };
  const place = await serverPlace({ database: { ...onServer, MAYFLY_LOG_LEVEL: "silent" } });
  try {
    return await killUnderLoad(place, {
      kills: killsOf(settings),
      ...(isDatabase && postgres !== undefined ? { postgres } : {}),
      tell: (told) => {
        signal.throwIfAborted();
        progress.step(`kills: ${label}, ${told}`);
      },
    });
  } finally {
    await place.remove();
  }
}

function describe({ label }: Victim, report: KillReport, { settings }: RunContext): Row[] {
  const { lost } = report;
  const row = (value: number, unit: string, of: number): Row => ({
    label: `${label} ${killsOf(settings)} times under load`,
    value,
    unit,
    target: { atMost: 0 },
    note: `of ${of.toLocaleString("en-US")} acknowledged`,
  });
  return [
    row(lost.tokens, "tokens lost", report.issued + report.refreshed),
    row(lost.revocations, "tokens active after their revocation", report.revoked),
    row(lost.refreshes, "refreshes lost", report.refreshed),
  ];
}
