import { bucketFor, describeBucket } from "../protocol/bucket.ts";
import type { Database } from "./database.ts";
import { CLASS_LIFETIMES, type Partition, type PartitionedTable, readPartitionName, TABLES } from "./partitions.ts";
import { statement } from "./statement.ts";

/** How well one table is provided for. */
export interface TableState {
  readonly table: string;
  /** partitions beyond the one that a row of the longest lifetime needs now, of the class of lifetimes that has the fewest */
  readonly ahead: number;
  /** seconds until such a row finds none; 0 when it finds none now */
  readonly secondsLeft: number;
}

/** What there is of partitions, and what should be gone. */
export interface PartitionState {
  readonly tables: readonly TableState[];
  /** seconds since the oldest partition that is still there could have been dropped; 0 when there is none */
  readonly purgeLagSeconds: number;
}

const listTables = statement(
  "partition.list_tables",
  `SELECT c.relname AS name, c.relispartition AS attached FROM pg_class c
    WHERE c.relkind = 'r' AND c.relnamespace = current_schema::regnamespace AND c.relname ~ '_c[0-9]_[0-9]+$'`,
);

/** @param realNowSeconds epoch seconds of real time */
export async function readPartitionState(database: Database, realNowSeconds: number): Promise<PartitionState> {
  const rows = await database.tenants([]).run(listTables, []);
  const all = rows.flatMap(({ name }) => readPartitionName(String(name)) ?? []);
  const attached = new Set(rows.filter((row) => row.attached === true).map((row) => row.name));
  const usable = all.filter(({ name }) => attached.has(name));
  return {
    tables: TABLES.map((table) => describeTable(table, usable, realNowSeconds)),
    purgeLagSeconds: Math.max(0, ...all.map(({ range }) => realNowSeconds - endOf(range.to - 1))),
  };
}

function describeTable(table: PartitionedTable, usable: readonly Partition[], realNowSeconds: number): TableState {
  const buckets = new Set(usable.filter((one) => one.table === table.name).map(({ range }) => range.from));
  const { lifetimeSecondsMin, lifetimeSecondsMax } = table;
  const own = CLASS_LIFETIMES.filter((lifetime) => lifetimeSecondsMin <= lifetime && lifetime < lifetimeSecondsMax);
  const classes = [...own, lifetimeSecondsMax].flatMap((lifetime) => {
    const needed = bucketFor(realNowSeconds, lifetime);
    if (describeBucket(needed)?.overflow !== false) return [];
    let beyond = needed;
    while (buckets.has(beyond)) beyond += 1;
    const secondsLeft = Math.max(0, endOf(beyond - 1) - lifetime - realNowSeconds);
    return [{ ahead: Math.max(0, beyond - needed - 1), secondsLeft }];
  });
  return {
    table: table.name,
    ahead: Math.min(...classes.map(({ ahead }) => ahead)),
    secondsLeft: Math.min(...classes.map(({ secondsLeft }) => secondsLeft)),
  };
}

function endOf(bucket: number): number {
  return describeBucket(bucket)?.endsAtSeconds ?? Number.POSITIVE_INFINITY;
}
