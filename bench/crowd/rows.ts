import pg from "pg";
import { bucketFor } from "../../src/protocol/bucket.ts";
import { slotOf } from "../../src/protocol/live-count.ts";

// Millions of tokens, made inside PostgreSQL from one that the server issued: what a load through the server would take hours for.

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;
const STATEMENT_ROWS_MAX = 100_000;

/** Tokens of one lifetime, as a share of all, and when the first and the last of them expire, in seconds from now. */
type Lifetime = { seconds: number; share: number; firstLeft: number; lastLeft: number };

const LIFETIMES: Lifetime[] = [
  { seconds: HOUR, share: 0.4, firstLeft: 35 * MINUTE, lastLeft: HOUR },
  { seconds: DAY, share: 0.2, firstLeft: HOUR, lastLeft: DAY },
  { seconds: 14 * DAY, share: 0.2, firstLeft: DAY, lastLeft: 14 * DAY },
  { seconds: 140 * DAY, share: 0.2, firstLeft: 14 * DAY, lastLeft: 140 * DAY },
];

/** SQL as the schema's owner, whom row-level security does not bind. */
export type Session = { query(text: string, values?: unknown[]): Promise<Record<string, unknown>[]> };

/** Opens a session for that work, without a limit on how long a statement takes. */
export async function withOwner<T>(databaseUrl: string, work: (session: Session) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return await work({
      query: async (text, values) => (await client.query<Record<string, unknown>>(text, values)).rows,
    });
  } finally {
    await client.end();
  }
}

/** The application whose rows are copied; its tenant is the one that is measured. */
export type Original = { tenantId: string; realmId: string; applicationId: string; resourceServerId: string };

/** One token of every tenant. */
type Layer = { issuedAt: number; expiresAt: number; bucket: number };

/** So many tokens of one tenant, in the order in which they would have been issued, lifetime by lifetime. */
export function planLayers(now: number, count: number): Layer[] {
  return LIFETIMES.flatMap(({ seconds, share, firstLeft, lastLeft }) => {
    const own = Math.round(count * share);
    return Array.from({ length: own }, (_, nth) => {
      const left = Math.floor(firstLeft + ((lastLeft - firstLeft) * nth) / own);
      const issuedAt = now + left - seconds;
      return { issuedAt, expiresAt: now + left, bucket: bucketFor(issuedAt, seconds) };
    });
  });
}

/** The id of a token of that application. */
export async function findToken(
  session: Session,
  { tenantId, applicationId }: Pick<Original, "tenantId" | "applicationId">,
): Promise<Buffer> {
  const rows = await session.query("SELECT id FROM tokens WHERE tenant_id = $1 AND application_id = $2 LIMIT 1", [
    tenantId,
    applicationId,
  ]);
  const id = rows[0]?.id;
  if (!(id instanceof Buffer)) throw new Error("the token that is to be copied is not there");
  return id;
}

/** Makes tenants like the original's, with a realm, a resource server and an application each; `tenants` counts the original. */
export async function makeTenants(session: Session, original: Original, tenants: number): Promise<void> {
  await session.query(
    "CREATE UNLOGGED TABLE bench_crowd (n integer, tenant_id text, realm_id text, application_id text, resource_server_id text)",
  );
  // In no order: neighbours in time are no neighbours in any index.
  await session.query(
    `INSERT INTO bench_crowd SELECT n, substr(md5('t' || n), 1, 16), substr(md5('r' || n), 1, 16), md5('a' || n)::uuid, md5('s' || n)::uuid
     FROM generate_series(1, $1::integer - 1) n ORDER BY random()`,
    [tenants],
  );
  const { tenantId, realmId, applicationId, resourceServerId } = original;
  const of = { tenant_id: tenantId, realm_id: realmId };
  await copyRow(session, "tenants", { tenant_id: tenantId });
  await copyRow(session, "realms", of);
  await copyRow(session, "resource_servers", { ...of, resource_server_id: resourceServerId });
  await copyRow(session, "applications", { ...of, application_id: applicationId });
  await session.query("INSERT INTO bench_crowd VALUES (0, $1, $2, $3, $4)", [
    tenantId,
    realmId,
    applicationId,
    resourceServerId,
  ]);
}

async function copyRow(session: Session, table: string, key: Record<string, string>): Promise<void> {
  const columns = await columnsOf(session, table);
  const replaced = columns.map((name) => (name in IDS ? `c.${name}` : `t.${name}`));
  const where = Object.keys(key).map((name, index) => `t.${name} = $${index + 1}`);
  await session.query(
    `INSERT INTO ${table} (${columns.join(", ")}) SELECT ${replaced.join(", ")} FROM ${table} t, bench_crowd c WHERE ${where.join(" AND ")}`,
    Object.values(key),
  );
}

const IDS = { tenant_id: true, realm_id: true, application_id: true, resource_server_id: true };

/** The columns of a table, in their order. */
export async function columnsOf(session: Session, table: string): Promise<string[]> {
  const rows = await session.query(
    `SELECT attname AS name FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [table],
  );
  return rows.map(({ name }) => String(name));
}

/** Which layers go into one statement. */
export function groupLayers(layers: Layer[], tenants: number): Layer[][] {
  const size = Math.max(1, Math.floor(STATEMENT_ROWS_MAX / tenants));
  return Array.from({ length: Math.ceil(layers.length / size) }, (_, group) =>
    layers.slice(group * size, (group + 1) * size),
  );
}

/** Inserts some layers: a token of every tenant each. `from` is the id of the token that all are copies of. */
export async function insertLayers(session: Session, from: Buffer, layers: Layer[]): Promise<void> {
  const columns = await columnsOf(session, "tokens");
  const values = columns.map((name) => MADE[name] ?? (name in IDS ? `c.${name}` : `t.${name}`));
  await session.query(
    `INSERT INTO tokens (${columns.join(", ")}) SELECT ${values.join(", ")}
     FROM json_to_recordset($2::json) AS l(issued_at bigint, expires_at bigint, bucket integer)
     CROSS JOIN bench_crowd c CROSS JOIN LATERAL (SELECT decode(md5(c.n || '.' || l.issued_at || '.' || l.expires_at), 'hex') AS bytes) r
     CROSS JOIN (SELECT * FROM tokens WHERE id = $1) t`,
    [
      from,
      JSON.stringify(
        layers.map(({ issuedAt, expiresAt, bucket }) => ({ issued_at: issuedAt, expires_at: expiresAt, bucket })),
      ),
    ],
  );
}

/** What differs from the token that is copied; the id is as settled 1 has it. */
const MADE: Record<string, string> = {
  id: `decode(lpad(to_hex(l.issued_at * 1000 + c.n % 1000), 12, '0'), 'hex') || substring(r.bytes for 10) || '\\x01'
    || int4send(l.bucket) || substring(r.bytes from 11 for 3)`,
  bucket: "l.bucket",
  token_hash: "sha256(r.bytes)",
  issued_at: "l.issued_at",
  not_before: "l.issued_at",
  expires_at: "l.expires_at",
  issued_expires_at: "l.expires_at",
};

/** Writes down how many live, as the nodes that had issued them would have. */
export async function countLayers(session: Session, layers: Layer[]): Promise<void> {
  const slots = new Map<number, number>();
  for (const { issuedAt, expiresAt } of layers) {
    const slot = slotOf({ issuedAt, endsAt: expiresAt }, false);
    slots.set(slot, (slots.get(slot) ?? 0) + 1);
  }
  await session.query(
    `INSERT INTO live_counts AS l (tenant_id, kind, realm_id, application_id, ends_at, live)
     SELECT c.tenant_id, 'token', c.realm_id, c.application_id, s.ends_at, s.live
     FROM bench_crowd c CROSS JOIN json_to_recordset($1::json) AS s(ends_at bigint, live integer)
     ON CONFLICT (tenant_id, kind, realm_id, application_id, ends_at) DO UPDATE SET live = l.live + excluded.live`,
    [JSON.stringify([...slots].map(([ends_at, live]) => ({ ends_at, live })))],
  );
}
