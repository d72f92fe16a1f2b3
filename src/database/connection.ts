import { type ClientBase, Pool, type PoolConfig, types } from "pg";

const BYTES_OF_INT8 = 20;
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 10_000;

// int8 holds seconds, milliseconds and counts, all far below 2^53: a number is what the code works with.
const parsers = {
  getTypeParser: (oid: number, format?: "text" | "binary") =>
    oid === BYTES_OF_INT8 ? (text: string) => Number(text) : types.getTypeParser(oid, format),
};

/**
 * A pool whose every connection is set up the same way before it is used: the role that row-level security binds, plans made
 * once per prepared statement, and index nested loops, which a batch over partitions always wants.
 */
export function createPool(config: PoolConfig): Pool {
  const settings: PoolConfig = {
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: 0,
    query_timeout: STATEMENT_TIMEOUT_MS + 1_000,
    types: parsers,
    pipeline: true,
    ...config,
    onConnect: setUp,
  };
  const pool = new Pool(settings);
  // A connection that breaks while it idles is replaced at the next use; without a listener it would end the process.
  pool.on("error", () => undefined);
  return pool;
}

async function setUp(client: ClientBase): Promise<void> {
  client.on("error", () => undefined);
  const role = await client.query("SELECT 1 FROM pg_roles WHERE rolname = 'mayfly_app'");
  await client.query(
    "SET plan_cache_mode = force_generic_plan; SET enable_hashjoin = off; SET enable_mergejoin = off;" +
      ` SET statement_timeout = ${STATEMENT_TIMEOUT_MS}; SET idle_in_transaction_session_timeout = ${STATEMENT_TIMEOUT_MS};` +
      " SET client_min_messages = warning",
  );
  // Before the first migration there is no role yet; the runner makes it and opens its connections anew.
  if (role.rowCount !== 0) await client.query("SET ROLE mayfly_app");
}
