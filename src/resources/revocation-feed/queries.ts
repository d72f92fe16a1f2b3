import type { OwnerSession, Queryable, Row } from "../../database/database.ts";
import { deleteSome } from "../../database/delete-some.ts";
import { hexOf } from "../../database/row-id.ts";
import { statement } from "../../database/statement.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import type { StatusPlace } from "../../protocol/status-list.ts";
import type { ResourceServerKey } from "../resource-server/queries.ts";
import { alive } from "../tombstone.ts";

/** Most entries that are read at once. */
export const ENTRIES_AT_ONCE = 500;

/** A feed as it stands. */
export interface FeedState {
  /** random; another one where it was begun anew */
  readonly name: string;
  readonly latestNumber: number;
  /** whether it has what ended before it was begun */
  readonly isComplete: boolean;
  /** whether something has ended tokens of the realm that are not numbered yet */
  readonly isBehind: boolean;
  readonly clockOffsetSeconds: number;
}

/** A token that ended before its `exp`; instants are seconds of tenant time. */
export interface FeedEntry {
  readonly number: number;
  /** SHA-256 of its `jti` (rule 29) */
  readonly tokenHash: Buffer;
  readonly endedAt: number;
  /** when it ends, of a token that was shortened */
  readonly expiresAt: number | undefined;
}

// What ended before nobody has noted: a new feed begins with a look at every token there is.
const open = statement(
  "revocation_feed.open",
  `WITH opened AS (
     INSERT INTO revocation_feeds AS f (tenant_id, realm_id, resource_server_id, feed_name, wanted_at_ms) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (tenant_id, realm_id, resource_server_id) DO UPDATE SET wanted_at_ms = GREATEST(f.wanted_at_ms, EXCLUDED.wanted_at_ms)
     RETURNING feed_name, latest_number, is_complete
   ), begun AS (
     INSERT INTO revocation_causes (tenant_id, realm_id, kind, object_name, owner_name)
     SELECT $1, $2, 'server', $3, $3 FROM opened WHERE feed_name = $4
   ) SELECT opened.*, true AS is_behind, t.clock_offset_seconds FROM opened JOIN tenants t ON t.tenant_id = $1`,
);

const readStates = statement(
  "revocation_feed.read_states",
  `SELECT b.n, f.feed_name, f.latest_number, f.is_complete, f.clock_offset_seconds, EXISTS (SELECT FROM revocation_causes c
     WHERE c.tenant_id = b.tenant_id AND c.realm_id = b.realm_id AND c.due_at_ms <= $2) AS is_behind
   FROM json_to_recordset($1::json) AS b(n integer, tenant_id text, realm_id text, resource_server_id text)
   LEFT JOIN LATERAL (SELECT f.*, t.clock_offset_seconds FROM revocation_feeds f JOIN tenants t ON t.tenant_id = b.tenant_id
     WHERE f.tenant_id = b.tenant_id AND f.realm_id = b.realm_id AND f.resource_server_id = b.resource_server_id LIMIT 1) f ON true
   ORDER BY b.n`,
);

const readEntries = statement(
  "revocation_feed.read_entries",
  `SELECT number, token_hash, ended_at, expires_at FROM revocations
   WHERE tenant_id = $1 AND realm_id = $2 AND resource_server_id = $3 AND number > $4 ORDER BY number LIMIT ${ENTRIES_AT_ONCE}`,
);

/** Finds a feed, or begins it under this name. */
export async function openFeed(
  db: Queryable,
  key: ResourceServerKey,
  { name, nowMs }: { readonly name: string; readonly nowMs: number },
): Promise<FeedState> {
  const [row] = await db.run(open, [...ids(key), name, nowMs]);
  if (row === undefined) throw new Error("a feed was neither found nor begun");
  return toState(row);
}

/** Reads feeds as they stand at one moment, in the order of their keys; undefined where there is none. */
export async function readFeedStates(
  db: Queryable,
  keys: readonly ResourceServerKey[],
  nowMs: number,
): Promise<(FeedState | undefined)[]> {
  const batch = keys.map(({ tenantId, realmId, resourceServerId }, n) => ({
    n,
    tenant_id: tenantId,
    realm_id: realmId,
    resource_server_id: resourceServerId,
  }));
  const rows = await db.run(readStates, [JSON.stringify(batch), nowMs]);
  return rows.map((row) => (row.feed_name === null ? undefined : toState(row)));
}

/** Reads what follows a number in a feed, at most 500 entries. */
export async function readFeedEntries(db: Queryable, key: ResourceServerKey, after: number): Promise<FeedEntry[]> {
  return (await db.run(readEntries, [...ids(key), after])).map((row) => ({
    number: row.number as number,
    tokenHash: row.token_hash as Buffer,
    endedAt: row.ended_at as number,
    expiresAt: (row.expires_at as number | null) ?? undefined,
  }));
}

const lock = statement(
  "revocation_feed.lock",
  `SELECT f.resource_server_id, s.identifier, t.clock_offset_seconds FROM revocation_feeds f JOIN tenants t ON t.tenant_id = f.tenant_id
   LEFT JOIN resource_servers s ON s.tenant_id = f.tenant_id AND s.realm_id = f.realm_id AND s.resource_server_id = f.resource_server_id
     AND ${alive("s")}
   WHERE f.tenant_id = $1 AND f.realm_id = $2 ORDER BY f.resource_server_id FOR UPDATE OF f`,
);

/** The feeds of a realm, which nobody else continues until the transaction ends. */
export interface LockedFeeds {
  readonly serverIds: ReadonlySet<string>;
  /** of those that are not deleted */
  readonly serverIdsByIdentifier: ReadonlyMap<string, string>;
  readonly clockOffsetSeconds: number;
}

/** Waits until nobody else continues the feeds of a realm. */
export async function lockFeeds(session: Queryable, realm: RealmKey): Promise<LockedFeeds> {
  const rows = await session.run(lock, [realm.tenantId, realm.realmId]);
  const named = rows.filter(({ identifier }) => identifier !== null);
  return {
    serverIds: new Set(rows.map((row) => String(row.resource_server_id))),
    serverIdsByIdentifier: new Map(named.map((row) => [String(row.identifier), String(row.resource_server_id)])),
    clockOffsetSeconds: Number(rows[0]?.clock_offset_seconds ?? 0),
  };
}

/** An entry that is not numbered yet. */
export interface NewEntry extends Omit<FeedEntry, "number"> {
  readonly resourceServerId: string;
  /** milliseconds of real time from when nobody accepts the token anyway */
  readonly forgetAtMs: number;
  /** where its bit is, of a token that has one */
  readonly status?: StatusPlace | undefined;
}

// Numbers follow each other in the order of commits, because the feeds are locked: who has read up to one misses none. What was told
// already is not told again. It is looked for in the order of hashes, and by a range, so that the index of hashes is read: the one of numbers
// seems as good to a plan that was made while the table was empty, and then an audience's rows are all read for each entry.
const append = statement(
  "revocation_feed.append",
  `WITH fresh AS (
     SELECT b.*, row_number() OVER (PARTITION BY b.resource_server_id ORDER BY b.n) AS place
     FROM json_to_recordset($3::json)
       AS b(n integer, resource_server_id text, token_hash bytea, ended_at bigint, expires_at bigint, forget_at_ms bigint,
         status_list integer, status_index integer)
     WHERE NOT EXISTS (SELECT FROM (SELECT r.expires_at FROM revocations r WHERE r.tenant_id = $1 AND r.realm_id = $2
         AND r.resource_server_id = b.resource_server_id AND r.token_hash BETWEEN b.token_hash AND b.token_hash
         ORDER BY r.token_hash OFFSET 0) told_before
       WHERE COALESCE(told_before.expires_at, 0) <= COALESCE(b.expires_at, 0))
   ), told AS (
     INSERT INTO revocations (tenant_id, realm_id, resource_server_id, number, token_hash, ended_at, expires_at, forget_at_ms,
       status_list, status_index)
     SELECT $1, $2, f.resource_server_id, f.latest_number + fresh.place, fresh.token_hash, fresh.ended_at, fresh.expires_at,
       fresh.forget_at_ms, fresh.status_list, fresh.status_index
     FROM fresh JOIN revocation_feeds f ON f.tenant_id = $1 AND f.realm_id = $2 AND f.resource_server_id = fresh.resource_server_id
     RETURNING resource_server_id, number
   )
   UPDATE revocation_feeds f SET latest_number = last.number
   FROM (SELECT resource_server_id, max(number) AS number FROM told GROUP BY resource_server_id) last
   WHERE f.tenant_id = $1 AND f.realm_id = $2 AND f.resource_server_id = last.resource_server_id`,
);

const complete = statement(
  "revocation_feed.complete",
  `UPDATE revocation_feeds SET is_complete = true
   WHERE tenant_id = $1 AND realm_id = $2 AND resource_server_id = $3 AND NOT is_complete`,
);

/** Continues locked feeds. */
export async function appendEntries(session: Queryable, realm: RealmKey, entries: readonly NewEntry[]): Promise<void> {
  const batch = entries.map((entry, n) => ({
    n,
    resource_server_id: entry.resourceServerId,
    token_hash: hexOf(entry.tokenHash),
    ended_at: entry.endedAt,
    expires_at: entry.expiresAt ?? null,
    forget_at_ms: entry.forgetAtMs,
    status_list: entry.status?.list,
    status_index: entry.status?.index,
  }));
  await session.run(append, [realm.tenantId, realm.realmId, JSON.stringify(batch)]);
}

/** Notes that a feed has what ended before it was begun. */
export async function completeFeed(session: Queryable, key: ResourceServerKey): Promise<void> {
  await session.run(complete, ids(key));
}

function ids({ tenantId, realmId, resourceServerId }: ResourceServerKey): readonly string[] {
  return [tenantId, realmId, resourceServerId];
}

function toState(row: Row): FeedState {
  return {
    name: row.feed_name as string,
    latestNumber: row.latest_number as number,
    isComplete: row.is_complete === true,
    isBehind: row.is_behind === true,
    clockOffsetSeconds: row.clock_offset_seconds as number,
  };
}

const DELETED_AT_ONCE_MAX = 1_000;

/** Deletes at most 1,000 entries of every tenant about tokens that nobody accepts anyway. Returns how many are gone. */
export function deleteForgottenEntries(session: OwnerSession, nowMs: number): Promise<number> {
  return deleteSome(session, "revocations", "forget_at_ms < $1", [nowMs]);
}

/** Deletes at most 1,000 entries of feeds that nobody wanted since then, and those feeds that have none left. Returns how many are gone. */
export async function deleteUnwantedFeeds(session: OwnerSession, beforeMs: number): Promise<number> {
  const rows = await session.query(
    `WITH emptied AS (
       DELETE FROM revocations WHERE ctid = ANY (ARRAY (
         SELECT r.ctid FROM revocations r JOIN revocation_feeds f ON f.tenant_id = r.tenant_id AND f.realm_id = r.realm_id
           AND f.resource_server_id = r.resource_server_id
         WHERE f.wanted_at_ms < $1 LIMIT ${DELETED_AT_ONCE_MAX})) RETURNING 1
     ), gone AS (
       DELETE FROM revocation_feeds f WHERE f.wanted_at_ms < $1 AND NOT EXISTS (SELECT FROM revocations r WHERE r.tenant_id = f.tenant_id
         AND r.realm_id = f.realm_id AND r.resource_server_id = f.resource_server_id) RETURNING 1
     ) SELECT (SELECT count(*) FROM emptied) + (SELECT count(*) FROM gone) AS count`,
    [beforeMs],
  );
  return Number(rows[0]?.count);
}
