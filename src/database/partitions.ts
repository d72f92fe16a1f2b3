import {
  bucketFor,
  describeBucket,
  isForgotten,
  type PartitionRange,
  partitionOf,
  partitionsAhead,
} from "../protocol/bucket.ts";
import { LIFETIME_SECONDS_MAX } from "../protocol/lifetime.ts";
import { STATEMENT_TIMEOUT_MS } from "./connection.ts";
import type { Database, OwnerSession } from "./database.ts";
import { isMissingPartition, sqlState } from "./database-error.ts";
import { statement } from "./statement.ts";

/** A table whose rows die with their partition, and which lifetimes (in seconds, of real time) its rows may have. */
export interface PartitionedTable {
  readonly name: string;
  readonly lifetimeSecondsMin: number;
  readonly lifetimeSecondsMax: number;
}

const HOUR = 3_600;
const DAY = 86_400;
/** Decisions of refusals are kept so long (settled 6). */
export const DECISION_LIFETIME_SECONDS = 30 * DAY;
/** Events are kept so long (reference, section 4). */
export const EVENT_LIFETIME_SECONDS = 90 * DAY;

/** Every table whose rows die with their partition. */
export const TABLES: readonly PartitionedTable[] = [
  { name: "tokens", lifetimeSecondsMin: 1, lifetimeSecondsMax: LIFETIME_SECONDS_MAX },
  { name: "grants", lifetimeSecondsMin: 1, lifetimeSecondsMax: LIFETIME_SECONDS_MAX },
  { name: "authorization_requests", lifetimeSecondsMin: 1, lifetimeSecondsMax: HOUR },
  { name: "decisions", lifetimeSecondsMin: DECISION_LIFETIME_SECONDS, lifetimeSecondsMax: DECISION_LIFETIME_SECONDS },
  { name: "events", lifetimeSecondsMin: EVENT_LIFETIME_SECONDS, lifetimeSecondsMax: EVENT_LIFETIME_SECONDS },
];
// The longest lifetime of each class of buckets, and what is asked for most: their partitions are there before the first request.
export const CLASS_LIFETIMES = [HOUR, DAY, 14 * DAY, 140 * DAY, LIFETIME_SECONDS_MAX];
const LASTING_LIFETIMES = [...CLASS_LIFETIMES, DECISION_LIFETIME_SECONDS, EVENT_LIFETIME_SECONDS];
const COMMON_LIFETIMES = [60, 600, ...LASTING_LIFETIMES];

const WIDTHS_AHEAD = 2;
const LOCK_TIMEOUT_MS = 200;
const LOCK_ATTEMPTS_MAX = 10;
/** A drop can wait: the next run is a minute away. */
const DROP_ATTEMPTS_MAX = 2;
const LOCK_RETRY_MS = 50;
/** A transaction makes at most so many: on the embedded database nothing else runs meanwhile, 5 ms for each. */
const CREATED_AT_ONCE_MAX = 8;
const PURGED_AT_ONCE_MAX = 1_000;
const PURGES_MAX = 200;
// Any constant: nodes that make partitions at once go one after the other.
const PARTITION_LOCK = 6_292_954;
const OVERFLOW = partitionOf(bucketFor(0, LIFETIME_SECONDS_MAX));
const CLASS_SIZE = OVERFLOW.to - OVERFLOW.from;

const listAttached = statement(
  "partition.list_attached",
  `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE c.relname = ANY ($1::text[]) AND c.relispartition AND NOT i.inhdetachpending`,
);

export interface Partition {
  readonly table: string;
  readonly name: string;
  readonly range: PartitionRange;
}

/**
 * Makes the partitions that the common lifetimes need right now, so that the first start is quick: about 20, in 0.2 s on a new
 * embedded database, against 0.7 s for all 143. `ensurePartitions` makes the rest, `ensurePartitionFor` what cannot wait for it.
 *
 * @param realNowSeconds epoch seconds of real time
 */
export async function ensureFirstPartitions(database: Database, realNowSeconds: number): Promise<void> {
  await create(database, listWanted(realNowSeconds, COMMON_LIFETIMES));
}

/**
 * Makes every partition that will be needed within two bucket widths (settled 8), in small transactions that lock no reader and
 * no writer out.
 *
 * @param realNowSeconds epoch seconds of real time
 */
export async function ensurePartitions(database: Database, realNowSeconds: number): Promise<void> {
  const ahead = partitionsAhead(realNowSeconds);
  const wanted = TABLES.flatMap(({ name, lifetimeSecondsMin, lifetimeSecondsMax }) => {
    const first = bucketFor(realNowSeconds, lifetimeSecondsMin);
    const last = bucketFor(realNowSeconds, lifetimeSecondsMax) + WIDTHS_AHEAD;
    const needed = ahead.filter((range) => range.to > first && range.from <= last);
    return needed.map((range) => describe(name, range));
  });
  await create(database, wanted);
}

/**
 * Runs an insert and, if it found no partition for its rows, makes those of its buckets and runs it once more (settled 8).
 *
 * @param table one of the partitioned tables
 * @param buckets made by `bucketFor`, never taken from outside: a request must not choose what tables there are
 */
export async function insertWithPartitions<T>(
  database: Database,
  table: string,
  buckets: readonly number[],
  insert: () => Promise<T>,
): Promise<T> {
  try {
    return await insert();
  } catch (error) {
    if (!isMissingPartition(error)) throw error;
    for (const bucket of new Set(buckets)) await ensurePartitionFor(database, table, bucket);
    return insert();
  }
}

/** Makes the partition of one bucket, if there is none yet, while a request waits for it. */
export async function ensurePartitionFor(database: Database, table: string, bucket: number): Promise<void> {
  if (!TABLES.some(({ name }) => name === table)) throw new RangeError("not a partitioned table");
  await create(database, [describe(table, partitionOf(bucket))], STATEMENT_TIMEOUT_MS);
}

/**
 * Whether the next row of the longest lifetime of each class has its partition, in every table: for readiness.
 *
 * @param realNowSeconds epoch seconds of real time
 */
export async function partitionsHealthy(database: Database, realNowSeconds: number): Promise<boolean> {
  const names = listWanted(realNowSeconds, LASTING_LIFETIMES).map(({ name }) => name);
  const rows = await database.tenants([]).run(listAttached, [names]);
  return rows.length === names.length;
}

/**
 * Drops the partitions whose rows may all be forgotten. On a server nobody waits for it: the partition is detached concurrently
 * and dropped when it is alone. What a crash left half done is finished by the next call.
 *
 * @param realNowSeconds epoch seconds of real time, as the database tells it: a clock that is ahead would drop live rows
 * @returns the names of the partitions that are gone
 */
export async function dropForgotten(database: Database, realNowSeconds: number): Promise<string[]> {
  return database.maintain(async (session) => {
    const gone: string[] = [];
    for (const { name } of await listForgotten(session, realNowSeconds))
      if (await drop(session, name, database.kind)) gone.push(name);
    return gone;
  });
}

/**
 * Deletes forgotten rows of the overflow partitions, whose lifetimes are too long for partitions of their own, in batches of
 * 1,000, so that no lock and no transaction is long.
 *
 * @param realNowSeconds epoch seconds of real time
 * @returns how many rows are gone
 */
export async function purgeOverflow(database: Database, realNowSeconds: number): Promise<number> {
  const width = describeBucket(OVERFLOW.from)?.widthSeconds ?? Number.POSITIVE_INFINITY;
  const lastForgotten = OVERFLOW.from + Math.floor(realNowSeconds / width);
  let total = 0;
  for (const { name } of TABLES.filter(({ lifetimeSecondsMax }) => lifetimeSecondsMax === LIFETIME_SECONDS_MAX)) {
    for (let batch = 0; batch < PURGES_MAX; batch += 1) {
      const count = await database.maintain((session) => purge(session, describe(name, OVERFLOW).name, lastForgotten));
      total += count;
      if (count < PURGED_AT_ONCE_MAX) break;
    }
  }
  return total;
}

function describe(table: string, range: PartitionRange): Partition {
  return { table, name: `${table}_${range.suffix}`, range };
}

function listWanted(realNowSeconds: number, lifetimes: readonly number[]): Partition[] {
  return TABLES.flatMap(({ name, lifetimeSecondsMin, lifetimeSecondsMax }) => {
    const own = lifetimes.filter((lifetime) => lifetimeSecondsMin <= lifetime && lifetime <= lifetimeSecondsMax);
    const wanted = own.map((lifetime) => describe(name, partitionOf(bucketFor(realNowSeconds, lifetime))));
    return [...new Map(wanted.map((partition) => [partition.name, partition])).values()];
  });
}

async function create(database: Database, wanted: readonly Partition[], statementMsMax?: number): Promise<void> {
  const names = wanted.map(({ name }) => name);
  const attached = await database.tenants([]).run(listAttached, [names]);
  const known = new Set(attached.map((row) => row.name));
  const missing = wanted.filter(({ name }) => !known.has(name));
  for (let start = 0; start < missing.length; start += CREATED_AT_ONCE_MAX) {
    const some = missing.slice(start, start + CREATED_AT_ONCE_MAX);
    await database.maintain((session) => retryLocked(() => createSome(session, some, database.kind)), statementMsMax);
  }
}

// On a server a stand-alone table is made and attached: neither readers nor writers of the parent wait for that lock, while
// CREATE TABLE … PARTITION OF would wait for all of them, and they for it. The embedded database has one session and nobody who
// waits, and there the plain form takes half the time.
async function createSome(session: OwnerSession, some: readonly Partition[], kind: Database["kind"]): Promise<void> {
  await session.query(`BEGIN; SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
  try {
    await session.query("SELECT pg_advisory_xact_lock($1)", [PARTITION_LOCK]);
    const names = some.map(({ name }) => name);
    const there = await session.query("SELECT relname AS name FROM pg_class WHERE relname = ANY ($1::text[])", [names]);
    const known = new Set(there.map((row) => row.name));
    const missing = some.filter(({ name }) => !known.has(name));
    await session.query([...missing.map((partition) => createText(partition, kind)), "COMMIT"].join(";\n"));
  } catch (error) {
    await session.query("ROLLBACK");
    throw error;
  }
}

// The names come from TABLES and from numbers alone.
function createText({ table, name, range }: Partition, kind: Database["kind"]): string {
  const bounds = `FOR VALUES FROM (${range.from}) TO (${range.to})`;
  if (kind === "embedded") return `CREATE TABLE ${name} PARTITION OF ${table} ${bounds}`;
  return `CREATE TABLE ${name} (LIKE ${table} INCLUDING ALL); ALTER TABLE ${table} ATTACH PARTITION ${name} ${bounds}`;
}

/**
 * The partitions that `dropForgotten` would drop at this time.
 *
 * @param realNowSeconds epoch seconds of real time
 */
export async function listForgotten(session: OwnerSession, realNowSeconds: number): Promise<Partition[]> {
  return (await listKnown(session)).filter(({ range }) => isForgotten(range.to - 1, realNowSeconds));
}

// Read by their names, so that a partition which was detached and not dropped before a crash is found too.
async function listKnown(session: OwnerSession): Promise<Partition[]> {
  const rows = await session.query(
    "SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema::regnamespace AND relname ~ $1",
    [`^(${TABLES.map(({ name }) => name).join("|")})_c[0-9]_[0-9]+$`],
  );
  return rows.flatMap((row) => readPartitionName(String(row.name)) ?? []);
}

/** What partition has this name; undefined for the overflow and for other tables. */
export function readPartitionName(name: string): Partition | undefined {
  const [, table, number, count] = /^(\w+)_c(\d)_(\d+)$/.exec(name) ?? [];
  if (table === undefined) return undefined;
  return describe(table, partitionOf(Number(number) * CLASS_SIZE + Number(count)));
}

async function drop(session: OwnerSession, name: string, kind: Database["kind"]): Promise<boolean> {
  if (kind === "postgresql") await session.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}`);
  try {
    return await retryLocked(async () => {
      if (kind === "postgresql") await detach(session, name);
      await session.query(`DROP TABLE IF EXISTS ${name}`);
      return true;
    }, DROP_ATTEMPTS_MAX);
  } catch (error) {
    // Somebody reads it for longer than we wait: the next run goes on from here.
    if (isContention(error)) return false;
    throw error;
  } finally {
    if (kind === "postgresql") await session.query("RESET lock_timeout");
  }
}

async function detach(session: OwnerSession, name: string): Promise<void> {
  const rows = await session.query(
    `SELECT i.inhparent::regclass::text AS parent, i.inhdetachpending AS pending FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE c.relname = $1`,
    [name],
  );
  for (const { parent, pending } of rows) {
    await session.query(
      `ALTER TABLE ${String(parent)} DETACH PARTITION ${name} ${pending === true ? "FINALIZE" : "CONCURRENTLY"}`,
    );
  }
}

async function purge(session: OwnerSession, name: string, lastForgotten: number): Promise<number> {
  const rows = await session.query(
    `WITH gone AS (
       DELETE FROM ${name} WHERE ctid = ANY (ARRAY (SELECT ctid FROM ${name} WHERE bucket <= $1 LIMIT $2)) RETURNING 1
     ) SELECT count(*)::integer AS count FROM gone`,
    [lastForgotten, PURGED_AT_ONCE_MAX],
  );
  return Number(rows[0]?.count ?? 0);
}

async function retryLocked<T>(work: () => Promise<T>, attemptsMax = LOCK_ATTEMPTS_MAX): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isContention(error) || attempt === attemptsMax) throw error;
      await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS * attempt));
    }
  }
}

// A lock not had in time, a wait that took too long, a deadlock, and what another node did to the same partition a moment ago.
function isContention(error: unknown): boolean {
  return ["55P03", "40P01", "55000", "42P01", "57014"].includes(sqlState(error) ?? "");
}
