import type { Pool, PoolClient } from "pg";
import { sqlState } from "./database-error.ts";

const TOO_MANY_CONNECTIONS = "53300";
/** So long a pool asks for no more than it has, and so often work waits for one of these. */
const CONTENT_MS = 1_000;
const TRIES_MAX = 3;

/**
 * Hands out a pool's connections. When the server gives no more because others have them, work waits for those that the pool has,
 * as it does when the pool is full; a little later it asks for more again.
 */
export function createConnector(pool: Pool): () => Promise<PoolClient> {
  const { max } = pool.options;
  let isContent = false;

  function beContent(): void {
    pool.options.max = Math.max(1, pool.totalCount);
    if (isContent) return;
    isContent = true;
    setTimeout(() => {
      isContent = false;
      pool.options.max = max;
    }, CONTENT_MS).unref();
  }

  return async () => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await pool.connect();
      } catch (error) {
        const isFull = sqlState(error) === TOO_MANY_CONNECTIONS && pool.totalCount > 0;
        if (!isFull || tries === TRIES_MAX) throw error;
        beContent();
      }
    }
  };
}
