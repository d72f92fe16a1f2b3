import type { Queryable } from "../../database/database.ts";
import { statement } from "../../database/statement.ts";

/** That one node, and no other, runs what is called `name` until then. Leases belong to no tenant. */
export interface Lease {
  readonly name: string;
  readonly holder: string;
  /** milliseconds of real time */
  readonly untilMs: number;
}

// Never waits for a row that its holder has locked in a transaction: the answer is simply no.
const take = statement(
  "lease.take",
  `WITH free AS (
     SELECT name FROM leases WHERE name = $1 AND (until_ms <= $4 OR holder = $2) FOR UPDATE SKIP LOCKED
   ), taken AS (
     UPDATE leases SET holder = $2, until_ms = $3 WHERE name IN (SELECT name FROM free) RETURNING name
   ), made AS (
     INSERT INTO leases (name, holder, until_ms)
     SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT FROM leases WHERE name = $1)
     ON CONFLICT (name) DO NOTHING
     RETURNING name
   )
   SELECT name FROM taken UNION ALL SELECT name FROM made`,
);

const setEnd = statement(
  "lease.set_end",
  "UPDATE leases SET until_ms = $3 WHERE name = $1 AND holder = $2 RETURNING name",
);

const extend = statement(
  "lease.extend",
  "UPDATE leases SET until_ms = $3 WHERE name = $1 AND holder = $2 AND until_ms > $4 RETURNING name",
);

const release = statement("lease.release", "DELETE FROM leases WHERE name = $1 AND holder = $2");

// A lease that nobody holds and nobody may take: a note that something is left to do.
const insertMark = statement("lease.insert_mark", "INSERT INTO leases (name, holder, until_ms) VALUES ($1, $2, 0)");

const findMark = statement("lease.find_mark", "SELECT holder FROM leases WHERE name = $1");

const readClock = statement(
  "lease.read_clock",
  "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::double precision AS now_ms",
);

/**
 * Takes a lease that nobody holds, or prolongs the holder's own, in one statement: of several that try one wins (settled 10).
 *
 * @param nowMs milliseconds of real time, as the database tells it: all nodes judge by one clock
 */
export async function takeLease(db: Queryable, lease: Lease, nowMs: number): Promise<boolean> {
  const rows = await db.run(take, [lease.name, lease.holder, lease.untilMs, nowMs]);
  return rows.length > 0;
}

/** Moves the end of a lease. False if another has taken it meanwhile. */
export async function updateLeaseEnd(db: Queryable, lease: Lease): Promise<boolean> {
  return (await db.run(setEnd, [lease.name, lease.holder, lease.untilMs])).length > 0;
}

/** Extends a lease that has not run out. Inside a transaction no other node can take it before the end. */
export async function extendLease(db: Queryable, lease: Lease, nowMs: number): Promise<boolean> {
  return (await db.run(extend, [lease.name, lease.holder, lease.untilMs, nowMs])).length > 0;
}

/** Gives a lease, or a mark, back. */
export async function deleteLease(db: Queryable, name: string, holder: string): Promise<void> {
  await db.run(release, [name, holder]);
}

/** Leaves a mark that `findLeaseMark` finds after a crash. */
export async function insertLeaseMark(db: Queryable, name: string, text: string): Promise<void> {
  await db.run(insertMark, [name, text]);
}

/** What was left under a name; undefined when there is no mark. */
export async function findLeaseMark(db: Queryable, name: string): Promise<string | undefined> {
  const [row] = await db.run(findMark, [name]);
  return row === undefined ? undefined : String(row.holder);
}

/**
 * What the database's clock says, in milliseconds since 1970. The only statement that asks for the time: nodes follow this
 * clock, and every other instant is a parameter (rule 14, settled 5).
 */
export async function readDatabaseClock(db: Queryable): Promise<number> {
  const rows = await db.run(readClock, []);
  const nowMs = rows[0]?.now_ms;
  if (typeof nowMs !== "number") throw new Error("the database does not tell the time");
  return nowMs;
}
