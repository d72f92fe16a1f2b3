import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import { type PostgresServer, startPostgres } from "../../bin/postgres.mjs";
import { listChildren } from "./child-processes.ts";
import { waitUntil } from "./wait-until.ts";

// A primary and a synchronous standby, as an operator runs them who wants to lose nothing with a machine.

/** Two PostgreSQL servers, of which one takes writes and the other confirms each. */
export interface PostgresPair {
  /** names both hosts, the first primary first */
  readonly url: string;
  readonly primary: () => PostgresServer;
  readonly standby: () => PostgresServer;
  /** Ends the primary as a power cut would, or freezes it as a lost network does, and promotes the standby; it is then alone. */
  failOver(how: "kill" | "freeze"): Promise<void>;
  /** Makes the killed one anew, as the standby of the other. */
  rejoin(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts both, with the standby in step: what is committed is on both. `durable: false` gives that up for speed. */
export async function startPair({ durable = true } = {}): Promise<PostgresPair> {
  const first = await startPostgres({ durable });
  const second = await startPostgres({ durable, standbyOf: first }).catch(async (error: unknown) => {
    await first.stop();
    throw error;
  });
  await awaitStandby(first);
  let [primary, standby] = [first, second];
  let frozen: readonly number[] = [];
  const endFrozen = (): void => {
    for (const pid of frozen) process.kill(pid, "SIGKILL");
    frozen = [];
  };
  const url = new URL(first.url);
  return {
    url: first.url.replace(url.host, `${url.host},${new URL(second.url).host}`),
    primary: () => primary,
    standby: () => standby,
    failOver: async (how) => {
      if (how === "kill") await primary.kill();
      else frozen = freeze(primary);
      await runAsSuperuser(standby, "SELECT pg_promote(true, 30)");
      [primary, standby] = [standby, primary];
    },
    rejoin: async () => {
      const { port } = standby;
      endFrozen();
      await standby.stop();
      standby = await startPostgres({ durable, port, standbyOf: primary });
      await awaitStandby(primary);
    },
    stop: async () => {
      endFrozen();
      await standby.stop();
      await primary.stop();
    },
  };
}

/** Stops every process of a server: it answers nothing, and hangs up on nobody. Returns their ids. */
function freeze({ dataDirectory }: PostgresServer): readonly number[] {
  const pid = Number.parseInt(readFileSync(join(dataDirectory, "postmaster.pid"), "utf8"), 10);
  const pids = [pid, ...listChildren(pid)];
  for (const one of pids) process.kill(one, "SIGSTOP");
  return pids;
}

/** Runs SQL where only the operator may. */
export async function runAsSuperuser(server: PostgresServer, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: server.adminUrl });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

// Named only now: a server that lacks its synchronous standby answers no commit, and the copy must not wait for one itself.
async function awaitStandby(primary: PostgresServer): Promise<void> {
  await runAsSuperuser(primary, "ALTER SYSTEM SET synchronous_standby_names = '*'");
  await runAsSuperuser(primary, "SELECT pg_reload_conf()");
  const text = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'";
  const isInStep = async () => (await runAsSuperuser(primary, text)).length > 0;
  await waitUntil(isInStep, "the standby does not follow", { everyMs: 20, msMax: 20_000 });
}
