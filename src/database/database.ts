import { AsyncLocalStorage } from "node:async_hooks";
import type { Pool, PoolClient, QueryConfig, QueryResult } from "pg";
import { HEX_ID } from "../protocol/id-grammar.ts";
import type { ChangeFeed, ChangeListener, EndListener } from "./changes.ts";
import { createConnector } from "./connect.ts";
import { STATEMENT_TIMEOUT_MS } from "./connection.ts";
import {
  DatabaseUnavailable,
  isHostTrouble,
  isOwnTrouble,
  isSilence,
  isStalePlan,
  translateDatabaseError,
} from "./database-error.ts";
import type { Hosts } from "./hosts.ts";
import type { DatabaseMeter } from "./meter.ts";
import { createStandbyWatch, type StandbyWatch, WAITING_COMMITS } from "./standby-watch.ts";
import { type Statement, statement } from "./statement.ts";

/** Something that answers statements about the tenants it was opened for: a transaction, or one statement at a time. */
export interface Queryable {
  /** Runs one declared statement and returns its rows. */
  run(statement: Statement, values: readonly unknown[]): Promise<Row[]>;
}

/** A row as the driver returns it: int8 as number, bytea as Buffer, json parsed. */
export type Row = Record<string, unknown>;

/** What maintenance may do: free SQL as the schema's owner, for migrations and partitions only. */
export interface OwnerSession {
  query(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

/** One statement as it was sent, for tests that count or replay. */
export interface SentStatement {
  readonly statement: Statement;
  readonly tenantIds: readonly string[];
  readonly values: readonly unknown[];
}

/** How a transaction runs. */
export interface TransactionOptions {
  /**
   * All of it sees one moment, and it fails as unavailable when it writes what others have changed since: for what reads many rows.
   */
  readonly isSnapshot?: boolean;
  /** milliseconds that one of its statements waits for a lock at most; then it fails as unavailable */
  readonly lockMsMax?: number;
}

/** The database of a process: an embedded PostgreSQL or a server, behind one pool of connections. */
export interface Database {
  readonly kind: "embedded" | "postgresql";
  /** A handle whose every statement is its own transaction and sees these tenants only: one round trip each. */
  tenants(tenantIds: readonly string[]): Queryable;
  /** Like `tenants`, for lists that may be ten seconds old: reads a replica where there is one (settled 12). Never for a decision. */
  recent(tenantIds: readonly string[]): Queryable;
  /**
   * Runs `work` in one transaction that sees these tenants only; what it throws rolls everything back. When another version's
   * migration has just changed a table, it is rolled back and run again.
   */
  transaction<T>(
    tenantIds: readonly string[],
    work: (session: Queryable) => Promise<T>,
    options?: TransactionOptions,
  ): Promise<T>;
  /**
   * Runs `work` as the schema's owner, outside row-level security: migrations and partitions. Each of its statements may take two
   * minutes, or `statementMsMax`, where a request waits for it.
   */
  maintain<T>(work: (session: OwnerSession) => Promise<T>, statementMsMax?: number): Promise<T>;
  /** Lets `listener` hear whose configuration is changed, by whomever, for as long as the database is open. */
  watchChanges(listener: ChangeListener): void;
  /** Lets `listener` hear in which realms tokens were ended, where a revocation feed tells of that. */
  watchEnds(listener: EndListener): void;
  /** Real syncs to disk so far; undefined where a server does them. */
  countSyncs(): Promise<number | undefined>;
  /** Waits for what is under way and closes every connection. */
  close(): Promise<void>;
}

export interface DatabaseParts {
  readonly kind: Database["kind"];
  readonly pool: Pool;
  /** where another primary may be found, when connections break */
  readonly hosts?: Hosts;
  readonly changes: ChangeFeed;
  readonly countSyncs: () => Promise<number | undefined>;
  readonly stop: () => Promise<void>;
  readonly onStatement?: (sent: SentStatement) => void;
  readonly meter?: DatabaseMeter;
}

type Connections = Pick<DatabaseParts, "pool" | "hosts" | "meter"> & {
  readonly connect: () => Promise<PoolClient>;
  readonly standby: StandbyWatch;
};

const MAINTENANCE_TIMEOUT_MS = 120_000;
const nameTenants = statement("session.tenants", "SELECT set_config('mayfly.tenants', $1, true)");

/** Puts the house's transactions over a pool of `pg` connections. */
export function createDatabase(parts: DatabaseParts): Database {
  const { pool, meter } = parts;
  const inTransaction = new AsyncLocalStorage<true>();
  meter?.watchPool(pool);
  const standby = createStandbyWatch(() => withClient(connections, (client) => runAsOwner(client, readWaitingCommits)));
  const connections: Connections = { ...parts, connect: createConnector(pool), standby };

  // On the embedded database's one session, waiting for a second handle inside a transaction would wait for ever.
  function refuseInside(): void {
    if (inTransaction.getStore()) throw new Error("inside a transaction only its own session can be used");
  }

  const observe = (sent: SentStatement): void => parts.onStatement?.(sent);

  const tenants = (tenantIds: readonly string[]): Queryable => ({
    run: (declared, values) => {
      refuseInside();
      observe({ statement: declared, tenantIds, values });
      const run = () =>
        runWithFreshPlan(connections, (client) =>
          measure(meter, declared, () => runAlone(client, tenantIds, { declared, values })),
        );
      const admitted = declared.isWrite ? standby.admit() : undefined;
      return admitted === undefined ? run() : admitted.then(run);
    },
  });

  return {
    kind: parts.kind,
    tenants,
    recent: tenants,
    transaction: (tenantIds, work, options = {}) => {
      refuseInside();
      const run = (client: PoolClient) => {
        const session: Queryable = {
          run: async (declared, values) => {
            observe({ statement: declared, tenantIds, values });
            return (await measure(meter, declared, () => send(client, declared, values))).rows;
          },
        };
        const inside = () => inTransaction.run(true, () => work(session));
        return runTransaction(client, { begin: beginOf(options), tenantIds }, inside);
      };
      const admitted = standby.admit() ?? Promise.resolve();
      return admitted.then(() => runWithFreshPlan(connections, run));
    },
    maintain: (work, statementMsMax) => {
      refuseInside();
      return withClient(connections, (client) => runAsOwner(client, work, statementMsMax));
    },
    watchChanges: parts.changes.watch,
    watchEnds: parts.changes.watchEnds,
    countSyncs: parts.countSyncs,
    close: async () => {
      await pool.end();
      await parts.stop();
    },
  };
}

// After another version's migration each connection may remember a table's former shape. Nothing was done, and the connection that
// refused is gone: at the latest when all of them are, a new one answers.
async function runWithFreshPlan<T>(parts: Connections, work: (client: PoolClient) => Promise<T>): Promise<T> {
  for (let left = parts.pool.options.max ?? 1; ; left -= 1) {
    try {
      return await withClient(parts, work);
    } catch (error) {
      if (!isStalePlan(error) || left === 0) throw error;
    }
  }
}

function measure<T>(meter: DatabaseMeter | undefined, { name }: Statement, work: () => Promise<T>): Promise<T> {
  return meter === undefined ? work() : meter.statement(name, work);
}

async function withClient<T>(parts: Connections, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await (parts.meter?.connection(() => acquire(parts)) ?? acquire(parts));
  let broken = false;
  try {
    return await work(client);
  } catch (error) {
    const translated = translateDatabaseError(error);
    broken = translated instanceof DatabaseUnavailable && !isOwnTrouble(error);
    if (isHostTrouble(translated)) parts.hosts?.suspect();
    if (isSilence(error)) parts.standby.suspect();
    throw translated;
  } finally {
    client.release(broken);
  }
}

function beginOf({ isSnapshot, lockMsMax }: TransactionOptions): string {
  const begin = isSnapshot ? "BEGIN ISOLATION LEVEL REPEATABLE READ" : "BEGIN";
  return lockMsMax === undefined ? begin : `${begin}; SET LOCAL lock_timeout = ${lockMsMax}`;
}

// As the owner: what a connection waits for, only its own role is told.
async function readWaitingCommits(session: OwnerSession): Promise<string[]> {
  const rows = await session.query(WAITING_COMMITS);
  return rows.map(({ commit }) => String(commit));
}

async function runTransaction<T>(
  client: PoolClient,
  { begin, tenantIds }: { readonly begin: string; readonly tenantIds: readonly string[] },
  work: () => Promise<T>,
): Promise<T> {
  try {
    await Promise.all([client.query(begin), send(client, nameTenants, [joinTenants(tenantIds)])]);
    const result = await work();
    await commit(client);
    return result;
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

async function acquire({ connect, hosts }: Connections): Promise<PoolClient> {
  if (hosts?.isChosen() === false) await hosts.look();
  try {
    return await connect().catch(async (error: unknown) => {
      if (!(await hosts?.look())) throw error;
      return connect();
    });
  } catch (error) {
    throw new DatabaseUnavailable("no connection to the database", { cause: error });
  }
}

function joinTenants(tenantIds: readonly string[]): string {
  for (const id of tenantIds) {
    if (!HEX_ID.test(id)) throw new Error("a tenant id has another shape than 16 hexadecimal digits");
  }
  return tenantIds.join(",");
}

function send(client: PoolClient, declared: Statement, values: readonly unknown[]): Promise<QueryResult<Row>> {
  const { name, text, isPrepared } = declared;
  return client.query<Row>({ ...(isPrepared ? { name } : {}), text, values: [...values] });
}

// A COMMIT after an error inside the transaction is answered ROLLBACK, without an error of its own.
async function commit(client: PoolClient): Promise<void> {
  const answer = await client.query("COMMIT");
  if (answer.command !== "COMMIT") throw new DatabaseUnavailable("the transaction was rolled back by the database");
}

interface Bound {
  readonly declared: Statement;
  readonly values: readonly unknown[];
}

// The four messages leave together and come back together: a transaction for the price of one round trip.
async function runAlone(client: PoolClient, tenantIds: readonly string[], bound: Bound): Promise<Row[]> {
  const tenants = joinTenants(tenantIds);
  const [begun, named, answered, committed] = await Promise.allSettled([
    client.query("BEGIN"),
    send(client, nameTenants, [tenants]),
    send(client, bound.declared, bound.values),
    client.query("COMMIT"),
  ]);
  for (const step of [begun, named, answered]) if (step.status === "rejected") throw step.reason;
  if (committed.status === "rejected") throw committed.reason;
  if (committed.value.command !== "COMMIT")
    throw new DatabaseUnavailable("the transaction was rolled back by the database");
  return answered.status === "fulfilled" ? answered.value.rows : [];
}

async function runAsOwner<T>(
  client: PoolClient,
  work: (session: OwnerSession) => Promise<T>,
  statementMsMax = MAINTENANCE_TIMEOUT_MS,
): Promise<T> {
  await client.query(`RESET ROLE; SET statement_timeout = ${statementMsMax}`);
  const query = queryAsOwner(client, statementMsMax);
  try {
    return await work({ query });
  } finally {
    await leaveOwner(client);
  }
}

// Whatever the work left behind, the next user of this connection is bound by row-level security again, or there is none. The role
// itself is missing only before the first migration.
async function leaveOwner(client: PoolClient): Promise<void> {
  try {
    // Outside of a transaction it would be a warning in the server's log each time.
    if (client.getTransactionStatus() !== "I") await client.query("ROLLBACK");
    await client.query(
      `SET statement_timeout = ${STATEMENT_TIMEOUT_MS}; SELECT set_config('role', rolname, false) FROM pg_roles WHERE rolname = 'mayfly_app'`,
    );
    // What the database began to answer too late to be seen before.
    if (client.getTransactionStatus() !== "I") throw new Error("a transaction was left open");
  } catch (error) {
    throw new DatabaseUnavailable("a connection could not be given back", { cause: error });
  }
}

// Without values the text may hold several statements, as migrations do; the rows are those of the last.
function queryAsOwner(client: PoolClient, statementMsMax: number): OwnerSession["query"] {
  return async (text, values) => {
    const config: QueryConfig & { readonly query_timeout: number } = {
      text,
      query_timeout: statementMsMax,
      ...(values === undefined ? {} : { values: [...values] }),
    };
    const answer: QueryResult<Row> | readonly QueryResult<Row>[] = await client.query<Row>(config);
    return Array.isArray(answer) ? (answer.at(-1)?.rows ?? []) : answer.rows;
  };
}
