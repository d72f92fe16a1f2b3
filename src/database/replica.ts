import type { Database, Queryable } from "./database.ts";
import { DatabaseUnavailable } from "./database-error.ts";
import { statement } from "./statement.ts";

/** What a replica tells may be so old, in milliseconds. */
const LAG_MS_MAX = 10_000;
const CHECK_EVERY_MS = 1_000;
/** A replica that did not answer is left alone for so long. */
const AVOID_MS = 5_000;

// How far a server's log has come, in bytes: on the primary what is written, on a replica what can be read.
const readPosition = statement(
  "replica.read_position",
  `SELECT pg_is_in_recovery() AS is_replica,
     (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END - '0/0'::pg_lsn)::bigint AS position`,
);

/** Where the primary's log was at an instant: a replica that has come so far lacks nothing that was committed before. */
interface Mark {
  readonly atMs: number;
  readonly position: number;
}

/**
 * A database whose `recent` reads a replica while that is at most ten seconds behind, and the primary otherwise. Everything else is
 * the primary's alone (settled 12).
 *
 * @param monotonicMs the clock that lag is judged by
 */
export function withReplica(primary: Database, replica: Database, monotonicMs: () => number): Database {
  const isFresh = judgeLag(primary.tenants([]), replica.tenants([]), monotonicMs);
  return {
    ...primary,
    recent: (tenantIds) => ({
      run: async (declared, values) => {
        if (await isFresh()) {
          try {
            return await replica.tenants(tenantIds).run(declared, values);
          } catch (error) {
            // It went away, or had to choose between this reader and keeping up: the primary knows as well.
            if (!(error instanceof DatabaseUnavailable)) throw error;
          }
        }
        return primary.tenants(tenantIds).run(declared, values);
      },
    }),
    close: async () => {
      await Promise.all([primary.close(), replica.close()]);
    },
  };
}

function judgeLag(primary: Queryable, replica: Queryable, monotonicMs: () => number): () => Promise<boolean> {
  let marks: readonly Mark[] = [];
  /** everything that was committed before this instant can be read */
  let completeAtMs = Number.NEGATIVE_INFINITY;
  let nextCheckAtMs = Number.NEGATIVE_INFINITY;
  let checking: Promise<void> | undefined;

  async function check(): Promise<void> {
    const atMs = monotonicMs();
    nextCheckAtMs = atMs + CHECK_EVERY_MS;
    try {
      const [written, read] = [await locate(primary), await locate(replica)];
      if (written.isReplica || !read.isReplica) throw new DatabaseUnavailable("the replica follows nobody");
      const kept = marks.filter((mark) => atMs - mark.atMs <= LAG_MS_MAX);
      marks = [...kept, { atMs, position: written.position }];
      completeAtMs = marks.findLast((mark) => mark.position <= read.position)?.atMs ?? Number.NEGATIVE_INFINITY;
    } catch {
      completeAtMs = Number.NEGATIVE_INFINITY;
      nextCheckAtMs = atMs + AVOID_MS;
    }
  }

  const isRecent = (): boolean => monotonicMs() - completeAtMs <= LAG_MS_MAX;
  return async () => {
    if (monotonicMs() >= nextCheckAtMs) checking ??= check().finally(() => (checking = undefined));
    if (!isRecent()) await checking;
    return isRecent();
  };
}

async function locate(db: Queryable): Promise<{ isReplica: boolean; position: number }> {
  const [row] = await db.run(readPosition, []);
  return { isReplica: row?.is_replica === true, position: Number(row?.position) };
}
