import type { OwnerSession, Queryable } from "../../database/database.ts";
import { deleteSome } from "../../database/delete-some.ts";
import { statement } from "../../database/statement.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";

/** So many connections a caller has over all nodes (rule 29). */
const CONNECTIONS_OF_CALLER_MAX = 20;

/** A connection of a caller to a feed. */
export interface FeedConnection extends RealmKey {
  readonly caller: string;
  readonly resourceServerId: string;
  /** random: names this connection */
  readonly holder: string;
}

// Of two that take the same slot at once one wins; the other tries again.
const take = statement(
  "feed_connection.take",
  `WITH free AS (
     SELECT n FROM generate_series(1, ${CONNECTIONS_OF_CALLER_MAX}) n
     WHERE NOT EXISTS (SELECT FROM feed_connections c WHERE c.tenant_id = $1 AND c.realm_id = $2 AND c.caller_name = $3
       AND c.slot = n AND c.until_ms >= $6)
   ), taken AS (
     INSERT INTO feed_connections AS c (tenant_id, realm_id, caller_name, slot, holder, until_ms)
     SELECT $1, $2, $3, n, $4, $5 FROM free ORDER BY md5($4 || n) LIMIT 1
     ON CONFLICT (tenant_id, realm_id, caller_name, slot) DO UPDATE SET holder = EXCLUDED.holder, until_ms = EXCLUDED.until_ms
       WHERE c.until_ms < $6
     RETURNING slot
   ) SELECT (SELECT count(*) FROM free) AS free, (SELECT slot FROM taken) AS slot, $1::text AS tenant_id`,
);

const keep = statement(
  "feed_connection.keep",
  `WITH wanted AS (
     UPDATE revocation_feeds SET wanted_at_ms = GREATEST(wanted_at_ms, $6)
     WHERE tenant_id = $1 AND realm_id = $2 AND resource_server_id = $7
   )
   UPDATE feed_connections SET until_ms = $5
   WHERE tenant_id = $1 AND realm_id = $2 AND caller_name = $3 AND holder = $4`,
);

const free = statement(
  "feed_connection.free",
  "DELETE FROM feed_connections WHERE tenant_id = $1 AND realm_id = $2 AND caller_name = $3 AND holder = $4",
);

/** Until when a connection holds its slot, unless it says so again; milliseconds of real time. */
interface Hold {
  readonly nowMs: number;
  readonly untilMs: number;
}

/** Takes one of a caller's slots. False: all of them are taken. */
export async function takeConnection(db: Queryable, connection: FeedConnection, hold: Hold): Promise<boolean> {
  for (let tries = 0; tries < 2 * CONNECTIONS_OF_CALLER_MAX; tries += 1) {
    const [row] = await db.run(take, [...ids(connection), hold.untilMs, hold.nowMs]);
    if (row?.slot != null) return true;
    if (row?.free === 0) return false;
  }
  return false;
}

/** Holds a slot for longer, and its feed. */
export async function keepConnection(db: Queryable, connection: FeedConnection, hold: Hold): Promise<void> {
  await db.run(keep, [...ids(connection), hold.untilMs, hold.nowMs, connection.resourceServerId]);
}

/** Gives a slot back. */
export async function freeConnection(db: Queryable, connection: FeedConnection): Promise<void> {
  await db.run(free, ids(connection));
}

function ids({ tenantId, realmId, caller, holder }: FeedConnection): readonly string[] {
  return [tenantId, realmId, caller, holder];
}

/** Deletes at most 1,000 slots of every tenant whose node died. Returns how many are gone. */
export function deleteLostConnections(session: OwnerSession, nowMs: number): Promise<number> {
  return deleteSome(session, "feed_connections", "until_ms < $1", [nowMs]);
}
