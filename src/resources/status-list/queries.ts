import type { Queryable } from "../../database/database.ts";
import { statement } from "../../database/statement.ts";
import type { RealmKey, SigningAlgorithm } from "../../protocol/client-metadata.ts";
import { STATUS_LIST_SIZE } from "../../protocol/status-list.ts";

/** Most lists of a realm that are shown. */
const SHOWN_MAX = 1_000;
/** So often somebody else may have used up the list, or begun the next one, meanwhile. */
const TRIES_MAX = 5;

/** What a new list has. */
export interface NewStatusList {
  readonly orderKey: Uint8Array;
  readonly algorithm: SigningAlgorithm;
}

/** Places that nobody else hands out: the n-th of a list, from `first` up to, not including, `end`. */
export interface LeasedPlaces {
  readonly list: number;
  readonly orderKey: Buffer;
  readonly first: number;
  readonly end: number;
}

const lease = statement(
  "status_list.lease",
  `UPDATE status_lists SET used = used + $3::integer, expires_at = GREATEST(expires_at, $4::bigint)
   WHERE tenant_id = $1 AND realm_id = $2 AND used + $3::integer <= ${STATUS_LIST_SIZE}
     AND list_number = (SELECT max(list_number) FROM status_lists WHERE tenant_id = $1 AND realm_id = $2)
   RETURNING list_number, order_key, used`,
);

const begin = statement(
  "status_list.begin",
  `INSERT INTO status_lists (tenant_id, realm_id, list_number, order_key, algorithm, expires_at)
   SELECT $1, $2, COALESCE(max(list_number), 0) + 1, $3, $4, $5 FROM status_lists WHERE tenant_id = $1 AND realm_id = $2
   ON CONFLICT DO NOTHING`,
);

const prolong = statement(
  "status_list.prolong",
  `UPDATE status_lists SET expires_at = $4
   WHERE tenant_id = $1 AND realm_id = $2 AND list_number = $3 AND expires_at < $4`,
);

const find = statement(
  "status_list.find",
  "SELECT algorithm FROM status_lists WHERE tenant_id = $1 AND realm_id = $2 AND list_number = $3",
);

const list = statement(
  "status_list.list",
  `SELECT list_number FROM status_lists
   WHERE tenant_id = $1 AND realm_id = $2 AND expires_at > $3 ORDER BY list_number DESC LIMIT ${SHOWN_MAX}`,
);

// Rule 28: a token that was shortened is invalid from its new end.
const readInvalid = statement(
  "status_list.read_invalid",
  `SELECT status_index FROM revocations
   WHERE tenant_id = $1 AND realm_id = $2 AND status_list = $3 AND status_list IS NOT NULL AND COALESCE(expires_at, 0) <= $4`,
);

/**
 * Takes places of a realm's current list, or of the next one.
 *
 * @param until no token that gets one of them lives longer, in seconds of tenant time
 */
export async function leasePlaces(
  db: Queryable,
  realm: RealmKey,
  wanted: { readonly count: number; readonly until: number },
  next: NewStatusList,
): Promise<LeasedPlaces> {
  const key = [realm.tenantId, realm.realmId];
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const [row] = await db.run(lease, [...key, wanted.count, wanted.until]);
    if (row !== undefined) {
      const end = row.used as number;
      const orderKey = row.order_key as Buffer;
      return { list: row.list_number as number, orderKey, first: end - wanted.count, end };
    }
    await db.run(begin, [...key, Buffer.from(next.orderKey), next.algorithm, wanted.until]);
  }
  throw new Error("no status list has room");
}

/** Notes that a token with a place in a list lives longer than all before. */
export async function prolongStatusList(
  db: Queryable,
  realm: RealmKey,
  { list: number, until }: { readonly list: number; readonly until: number },
): Promise<void> {
  await db.run(prolong, [realm.tenantId, realm.realmId, number, until]);
}

/** What a list is signed with; undefined where there is no such list. */
export async function findStatusList(
  db: Queryable,
  realm: RealmKey,
  number: number,
): Promise<{ readonly algorithm: SigningAlgorithm } | undefined> {
  const [row] = await db.run(find, [realm.tenantId, realm.realmId, number]);
  return row && { algorithm: row.algorithm as SigningAlgorithm };
}

/** The lists in which a live token may have a place, the newest first; at most 1,000. */
export async function listStatusLists(db: Queryable, realm: RealmKey, now: number): Promise<number[]> {
  const rows = await db.run(list, [realm.tenantId, realm.realmId, now]);
  return rows.map((row) => row.list_number as number);
}

/** The places of a list whose tokens have ended before their `exp`. */
export async function readInvalidPlaces(
  db: Queryable,
  realm: RealmKey,
  at: { readonly list: number; readonly now: number },
): Promise<number[]> {
  const rows = await db.run(readInvalid, [realm.tenantId, realm.realmId, at.list, at.now]);
  return rows.map((row) => row.status_index as number);
}
