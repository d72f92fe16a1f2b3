import { Client, type ClientBase, type ClientConfig, Pool, type PoolConfig, types } from "pg";
import { type ChangeFeed, listenOn } from "./changes.ts";
import { DatabaseUnavailable } from "./database-error.ts";
import { type Hosts, READ_ONLY } from "./hosts.ts";

const BYTES_OF_INT8 = 20;
/**
 * Clients give up after five to ten seconds, so that a request may lose one wait and still be answered: for a connection, new or
 * one of the pool's, and for a statement. The server ends a statement itself; a server that no longer answers is given up a little
 * later.
 */
const CONNECT_TIMEOUT_MS = 3_000;
export const STATEMENT_TIMEOUT_MS = 3_000;
const SILENCE_MS = 500;

// int8 holds seconds, milliseconds and counts, all far below 2^53: a number is what the code works with.
const parsers = {
  getTypeParser: (oid: number, format?: "text" | "binary") =>
    oid === BYTES_OF_INT8 ? (text: string) => Number(text) : types.getTypeParser(oid, format),
};

export interface ConnectionOptions {
  /** whether all connections lead to one session, which keeps what the one before left in it */
  readonly isOneSession?: boolean;
  /** where each new connection leads; without it all lead where the pool's settings say */
  readonly hosts?: Hosts;
  /** who hears of changes on these connections */
  readonly changes?: ChangeFeed;
  /** whether a server that takes no writes will do */
  readonly mayBeReadOnly?: boolean;
}

/**
 * A pool whose every connection is set up the same way before it is used: the role that row-level security binds, plans made
 * once per prepared statement, and index nested loops, which a batch over partitions always wants.
 */
export function createPool(config: PoolConfig, options: ConnectionOptions = {}): Pool {
  const settings: PoolConfig = {
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: 0,
    query_timeout: STATEMENT_TIMEOUT_MS + SILENCE_MS,
    types: parsers,
    pipeline: true,
    ...config,
    ...(options.hosts === undefined ? {} : { Client: clientTo(options.hosts) }),
    onConnect: (client) => setUp(client, options),
  };
  const pool = new Pool(settings);
  // A connection that breaks while it idles is replaced at the next use; without a listener it would end the process.
  pool.on("error", () => undefined);
  return pool;
}

// The pool makes a client before it connects it, so that each may have another host.
function clientTo(hosts: Hosts): new () => ClientBase {
  return class extends Client {
    constructor(config: ClientConfig = {}) {
      super({ ...config, ...hosts.target() });
    }
  };
}

async function setUp(client: ClientBase, options: ConnectionOptions): Promise<void> {
  const { isOneSession = false, mayBeReadOnly = false } = options;
  client.on("error", () => undefined);
  if (isOneSession) {
    await client.query("ROLLBACK");
    await client.query("DISCARD ALL"); // prepared statements among it: their names would be taken
  }
  const known = await client.query(
    `SELECT current_setting('synchronous_commit') AS commits, ${READ_ONLY} AS read_only,
       EXISTS (SELECT FROM pg_roles WHERE rolname = 'mayfly_app') AS has_role`,
  );
  // What it says may be old, and what is spent cannot be written (settled 12).
  if (known.rows[0]?.read_only === true && !mayBeReadOnly) throw new DatabaseUnavailable("the host takes no writes");
  // What is answered is durable, whatever the server's default; a stronger setting stays.
  if (known.rows[0]?.commits === "off") await client.query("SET synchronous_commit = on");
  await client.query(
    "SET plan_cache_mode = force_generic_plan; SET enable_hashjoin = off; SET enable_mergejoin = off;" +
      " SET enable_seqscan = off; SET enable_sort = off; SET jit = off;" +
      ` SET statement_timeout = ${STATEMENT_TIMEOUT_MS}; SET idle_in_transaction_session_timeout = ${STATEMENT_TIMEOUT_MS};` +
      " SET client_min_messages = warning",
  );
  // Before the first migration there is no role yet; the runner makes it and opens its connections anew.
  if (known.rows[0]?.has_role === true) await client.query("SET ROLE mayfly_app");
  if (options.changes !== undefined) await listenOn(client, options.changes);
}
