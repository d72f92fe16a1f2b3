import { isDeepStrictEqual } from "node:util";
import type { Database, OwnerSession, Row, SentStatement } from "../../src/database/database.ts";
import { sqlState } from "../../src/database/database-error.ts";
import type { Statement } from "../../src/database/statement.ts";

// A statement is kept apart from other tenants twice: by its own text, and by row-level security. Each is tested without the other.

/** What a statement told: its rows, or the SQLSTATE it failed with. */
export interface Told {
  readonly rows: readonly Row[];
  readonly failure: string | undefined;
}

/** What it did besides: whether the first tenant's rows are other than before. */
export interface Outcome extends Told {
  readonly changed: boolean;
}

export interface Tenants {
  /** whose statements were recorded */
  readonly own: string;
  /** its double: the same ids under another tenant, with other contents */
  readonly other: string;
}

/** The doubles of a tenant: the whole one under "", and for each table one that has no rows there. */
export type Doubles = ReadonlyMap<string, string>;

/** Replays recorded statements; nothing of it stays. */
export interface Replayer {
  /** as the tenant itself: what the statement is there for */
  asOwn(sent: SentStatement): Promise<Outcome>;
  /** unchanged, while row-level security shows the other tenant alone */
  unchangedAsOther(sent: SentStatement): Promise<Outcome>;
  /** naming the other tenant, which is all that row-level security shows; nobody looks at what it changes */
  namingOther(sent: SentStatement): Promise<Told>;
  /** naming the other tenant, without row-level security: its own text alone keeps it apart */
  namingOtherUnprotected(sent: SentStatement): Promise<Outcome>;
}

const ROLLED_BACK = Symbol("rolled back");
const NO_SNAPSHOT = "SELECT $1::text AS nothing";

export function createReplayer(database: Database, tables: readonly string[], { own, other }: Tenants): Replayer {
  const replay = (sent: SentStatement, scope: string, values: readonly unknown[]) =>
    replayInScope(database, sent.statement, { scope, values, own, snapshot: snapshotText(tables, sent.statement) });
  const naming = (sent: SentStatement) => sent.values.map((value) => replaceText(value, own, other));
  return {
    asOwn: (sent) => replay(sent, own, sent.values),
    unchangedAsOther: (sent) => replay(sent, other, sent.values),
    namingOther: (sent) =>
      replayInScope(database, sent.statement, { scope: other, values: naming(sent), own, snapshot: NO_SNAPSHOT }),
    namingOtherUnprotected: (sent) =>
      replayUnprotected(database, sent.statement, {
        values: naming(sent),
        own,
        snapshot: snapshotText(tables, sent.statement),
      }),
  };
}

interface Replay {
  readonly scope: string;
  readonly values: readonly unknown[];
  readonly own: string;
  readonly snapshot: string;
}

const nameTenants: Statement = {
  name: "test.name_tenants",
  text: "SELECT set_config('mayfly.tenants', $1, true)",
  isWrite: false,
  isPrepared: true,
};

async function replayInScope(database: Database, statement: Statement, replay: Replay): Promise<Outcome> {
  const name = replay.snapshot === NO_SNAPSHOT ? "test.no_snapshot" : `test.snapshot_${statement.name}`.slice(0, 63);
  const snapshot: Statement = { name, text: replay.snapshot, isWrite: false, isPrepared: true };
  let outcome: Outcome | undefined;
  try {
    await database.transaction([replay.own], async (session) => {
      const before = await session.run(snapshot, [replay.own]);
      await session.run(nameTenants, [replay.scope]);
      outcome = await attempt(
        () => session.run(statement, replay.values),
        async () => {
          await session.run(nameTenants, [replay.own]);
          return !isDeepStrictEqual(await session.run(snapshot, [replay.own]), before);
        },
      );
      throw ROLLED_BACK;
    });
  } catch (error) {
    if (error !== ROLLED_BACK) throw error;
  }
  if (outcome === undefined) throw new Error("a transaction ended without its work");
  return outcome;
}

function replayUnprotected(database: Database, statement: Statement, replay: Omit<Replay, "scope">): Promise<Outcome> {
  return database.maintain(async (session) => {
    await session.query("BEGIN");
    try {
      const before = await session.query(replay.snapshot, [replay.own]);
      return await attempt(
        () => session.query(statement.text, replay.values),
        async () => !isDeepStrictEqual(await session.query(replay.snapshot, [replay.own]), before),
      );
    } finally {
      await session.query("ROLLBACK");
    }
  });
}

// A failed statement has aborted its transaction: it changed nothing, and nothing can be asked any more.
async function attempt(run: () => Promise<Row[]>, hasChanged: () => Promise<boolean>): Promise<Outcome> {
  let rows: Row[];
  try {
    rows = await run();
  } catch (error) {
    const failure = sqlState(error);
    if (failure === undefined) throw error;
    return { rows: [], failure, changed: false };
  }
  return { rows, failure: undefined, changed: await hasChanged() };
}

/** The tables of these that a statement names. */
export function namedTables(tables: readonly string[], { text }: Statement): string[] {
  return tables.filter((table) => new RegExp(`(?<![.\\w])${table}\\b`).test(text));
}

/** A statement that sums up the rows of one tenant in every table that a statement names. */
function snapshotText(tables: readonly string[], statement: Statement): string {
  const parts = namedTables(tables, statement).map(
    (table) =>
      `(SELECT md5(string_agg(x::text, ',' ORDER BY x::text)) FROM ${table} x WHERE x.tenant_id = $1) AS ${table}`,
  );
  return parts.length === 0 ? NO_SNAPSHOT : `SELECT ${parts.join(", ")}`;
}

/** The tables whose rows belong to tenants, as the database itself knows them; partitions count for their parents. */
export async function listTenantTables(session: OwnerSession): Promise<string[]> {
  const rows = await session.query(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
      WHERE c.relnamespace = current_schema::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      ORDER BY c.relname`,
  );
  return rows.map(({ name }) => String(name));
}

/**
 * Copies everything that a tenant has to another tenant, under the same ids: a statement that forgets the tenant anywhere in its
 * text then meets two of what it looks for. What is not looked for is marked, so that the two are told apart.
 *
 * @param missing a table that is left out: whatever of it is seen, is the first tenant's
 */
export async function doubleTenant(
  session: OwnerSession,
  tables: readonly string[],
  { own, other, missing }: Tenants & { readonly missing: string },
): Promise<void> {
  for (const table of tables.filter((name) => name !== missing)) {
    const columns = await session.query(
      `SELECT column_name AS name, data_type AS type FROM information_schema.columns
        WHERE table_schema = current_schema AND table_name = $1 ORDER BY ordinal_position`,
      [table],
    );
    const names = columns.map(({ name }) => String(name));
    const copied = columns.map(({ name, type }) => copyOf(table, String(name), String(type)));
    await session.query(
      `INSERT INTO ${table} (${names.join(", ")}) SELECT ${copied.join(", ")} FROM ${table} WHERE tenant_id = $1 AND $2 <> ''`,
      [own, other],
    );
  }
}

const MARKED = ["display_name", "description", "subject", "recipient", "body"];

function copyOf(table: string, name: string, type: string): string {
  if (name === "tenant_id") return "$2";
  if (MARKED.includes(name)) return `${name} || ' of the other'`;
  if (name === "scopes" && type === "ARRAY") return `${name} || 'other:scope'::text`;
  if (name === "client_secret_hash" || name === "refresh_key_sealed") return `sha256(${name})`;
  if (name === "updated_at_ms") return `${name} + 1`;
  // A grant is spent by its version.
  if (name === "version" && table !== "grants") return `${name} + 1000`;
  return name;
}

function replaceText(value: unknown, from: string, to: string): unknown {
  if (typeof value === "string") return value.replaceAll(from, to);
  if (Array.isArray(value)) return value.map((item) => replaceText(item, from, to));
  if (value instanceof Uint8Array || typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, replaceText(item, from, to)]));
}
