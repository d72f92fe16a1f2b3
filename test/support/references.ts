import type { OwnerSession } from "../../src/database/database.ts";

// Every reference between tables, for the test that none leads to nothing (settled 25). The database enforces none of them: rows die
// with their partition, and tombstones go last.

/** A column that names a row of another table: of the same tenant and realm, unless the target belongs to the tenant alone. */
interface Reference {
  readonly column: string;
  readonly target: string;
  readonly key: string;
  readonly isArray?: boolean;
  /** SQL on the row `x`: only then it is a reference */
  readonly when?: string;
}

const APPLICATION = { target: "applications", key: "application_id" };
const IDENTITY = { target: "identities", key: "identity_id" };
const SERVER = { target: "resource_servers", key: "resource_server_id" };
const CONFIG = { target: "authenticator_configs", key: "authenticator_config_id" };
const REALM = { target: "realms", key: "realm_id" };

const named = (column: string, to: { readonly target: string; readonly key: string }): Reference => ({ column, ...to });
const byName = (to: { readonly target: string; readonly key: string }): Reference => named(to.key, to);

/** By table. `tenant_id` and `realm_id` are references everywhere. */
const REFERENCES: Readonly<Record<string, readonly Reference[]>> = {
  resource_servers: [{ ...named("introspectors", APPLICATION), isArray: true }],
  applications: [
    byName(SERVER),
    byName(CONFIG),
    { ...named("target_realm", REALM), when: "x.target_realm <> '*'" },
    { ...named("may_be_exchanged_by", APPLICATION), isArray: true },
  ],
  subjects: [byName(IDENTITY)],
  sessions: [byName(IDENTITY)],
  pairwise_subjects: [byName(IDENTITY)],
  consents: [byName(IDENTITY), byName(APPLICATION), byName(SERVER)],
  session_applications: [{ column: "session_id", target: "sessions", key: "session_id" }, byName(APPLICATION)],
  group_members: [{ column: "group_id", target: "groups", key: "group_id" }, byName(IDENTITY)],
  roles: [byName(SERVER)],
  role_members: [
    { column: "role_id", target: "roles", key: "role_id" },
    { ...named("member_id", IDENTITY), when: "x.member_kind = 'identity'" },
    { column: "member_id", target: "groups", key: "group_id", when: "x.member_kind = 'group'" },
  ],
  credentials: [byName(IDENTITY), byName(CONFIG)],
  credential_binding_jobs: [
    byName(IDENTITY),
    byName(CONFIG),
    { column: "batch_id", target: "batch_credential_binding_jobs", key: "batch_credential_binding_job_id" },
    { column: "credential_id", target: "credentials", key: "credential_id" },
  ],
  batch_credential_binding_results: [
    byName(IDENTITY),
    { column: "batch_id", target: "batch_credential_binding_jobs", key: "batch_credential_binding_job_id" },
    { column: "credential_binding_job_id", target: "credential_binding_jobs", key: "credential_binding_job_id" },
  ],
  outgoing_mails: [byName(IDENTITY)],
  tokens: [
    byName(APPLICATION),
    byName(SERVER),
    byName(IDENTITY),
    { column: "grant_id", target: "grants", key: "id" },
    { column: "key_id", target: "signing_keys", key: "key_id" },
    { ...named("target_realm", REALM), when: "x.target_realm <> '*'" },
  ],
  grants: [byName(APPLICATION), byName(IDENTITY), byName(SERVER)],
  authorization_requests: [{ ...byName(APPLICATION), when: "x.application_id <> ''" }, byName(IDENTITY)],
  revocation_feeds: [byName(SERVER)],
  revocations: [byName(SERVER)],
  decisions: [{ ...byName(APPLICATION), when: "x.application_id <> ''" }],
  request_allowances: [byName(APPLICATION)],
  live_counts: [{ ...byName(APPLICATION), when: "x.application_id <> ''" }],
  token_usage: [byName(APPLICATION)],
};

/** Columns that look like references and are none, or name their own row. */
const NO_REFERENCES: Readonly<Record<string, string>> = {
  "applications.client_id": "the client's own name",
  "session_applications.client_session_id": "the client's own name",
  "consents.claims": "names of claims",
  "tokens.root_id": "a grant's id or a token's: both are named as its ancestors",
  "tokens.session_id": "a session that was never ended may be forgotten before its tokens",
  "tokens.transaction_id": "a request that may have left no row",
  "grants.session_id": "as a token's",
  "grants.client_session_id": "the client's own name",
  "grants.transaction_id": "a request that may have left no row",
  "mails.mail_id": "its own",
  "outgoing_mails.about_id": "what it is about may be gone: then it is not sent",
  "idempotency_keys.resource_id": "what was made, for a day: it may be gone since",
  "credentials.webauthn_id": "the authenticator's own name of it",
  "credentials.rp_id": "a host name",
  "credentials.transports": "words",
  "revocation_causes.cause_id": "its own",
  "events.trace_id": "a request that may have left no row",
  "events.actor_id": "an event outlives who did it",
  "events.correlation_id": "the caller's own",
  "events.resource_id": "an event outlives what it is about",
};

/** Only such rows must find what they name: one that is over is forgotten, and may be dropped with it or after it. */
const LIVES: Readonly<Record<string, string>> = {
  tokens: "x.expires_at > $1",
  grants: "x.ends_at > $1",
  authorization_requests: "x.expires_at > $1",
  decisions: `x.recorded_at_ms > ($1 - ${30 * 86_400}) * 1000`,
  events: `x.recorded_at_ms > ($1 - ${90 * 86_400}) * 1000`,
};

/** Columns named like references that the lists above do not know. */
export async function listUnknownReferences(session: OwnerSession, tables: readonly string[]): Promise<string[]> {
  const rows = await session.query(
    `SELECT c.relname AS table_name, a.attname AS column_name FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
     WHERE c.relname = ANY ($1::text[]) AND a.attnum > 0 AND NOT a.attisdropped
       AND (a.attname LIKE '%\\_id' OR a.attname IN ('target_realm', 'ancestors') OR a.atttypid = 'text[]'::regtype)`,
    [tables],
  );
  return rows
    .map((row) => ({ table: String(row.table_name), column: String(row.column_name) }))
    .filter(({ table, column }) => {
      if (["tenant_id", "realm_id", "scopes", "amr", "audience", "ancestors"].includes(column)) return false;
      if (table === `${column.slice(0, -"_id".length).replace(/y$/, "ie")}s`) return false; // its own id
      if (table === "signing_keys" && column === "key_id") return false;
      const isKnown = (REFERENCES[table] ?? []).some((reference) => reference.column === column);
      return !isKnown && !(`${table}.${column}` in NO_REFERENCES);
    })
    .map(({ table, column }) => `${table}.${column}`);
}

/** References of a tenant's rows that lead to nothing, with how many rows have them. Tombstones count as something. */
export async function listOrphans(
  session: OwnerSession,
  tables: readonly string[],
  tenant: { readonly tenantId: string; readonly now: number },
): Promise<string[]> {
  const orphans: string[] = [];
  for (const table of tables) {
    const columns = await session.query(
      "SELECT attname AS name FROM pg_attribute WHERE attrelid = $1::regclass AND attname IN ('tenant_id', 'realm_id')",
      [table],
    );
    const names = columns.map(({ name }) => String(name));
    const all: Reference[] = [
      ...(table === "tenants" ? [] : [{ column: "tenant_id", target: "tenants", key: "tenant_id" }]),
      ...(table === "realms" || !names.includes("realm_id") ? [] : [{ ...byName(REALM), when: "x.realm_id <> ''" }]),
      ...(REFERENCES[table] ?? []),
    ];
    for (const reference of all) {
      const rows = await session.query(orphanText(table, reference), [tenant.now, tenant.tenantId]);
      if (Number(rows[0]?.count) > 0) orphans.push(`${table}.${reference.column}: ${rows[0]?.count}`);
    }
  }
  return orphans;
}

function orphanText(table: string, { column, target, key, isArray, when }: Reference): string {
  const inRealm = target === "tenants" || target === "realms" ? "" : "AND y.realm_id = x.realm_id";
  const value = isArray === true ? "v.value" : `x.${column}`;
  const from = isArray === true ? `${table} x CROSS JOIN LATERAL unnest(x.${column}) AS v(value)` : `${table} x`;
  return `SELECT count(*) AS count FROM ${from}
    WHERE x.tenant_id = $2 AND $1::bigint > 0 AND ${value} IS NOT NULL AND ${when ?? "true"} AND ${LIVES[table] ?? "true"}
      AND NOT EXISTS (SELECT FROM ${target} y WHERE y.tenant_id = x.tenant_id ${inRealm} AND y.${key} = ${value})`;
}
