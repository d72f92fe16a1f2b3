import type { OwnerSession, Queryable, Row } from "../../database/database.ts";
import { bucketRange, idColumns } from "../../database/row-id.ts";
import { statement } from "../../database/statement.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import type { StatusPlace } from "../../protocol/status-list.ts";

/** Most causes that are taken at once, and most rows that one of them is looked at by. */
const CAUSES_AT_ONCE = 256;
export const PAGE_ROWS = 500;
const REALMS_AT_ONCE = 100;

/** What ended tokens: a `tree` is what was exchanged from a token that ended, a `server` that a feed was begun. */
export type CauseKind = "token" | "tree" | "grant" | "session" | "identity" | "application" | "key" | "server";

/** Something that ended tokens, as a trigger noted it, and how far they were looked at. */
export interface Cause {
  readonly id: number;
  /** how often it was looked at */
  readonly pages: number;
  readonly kind: CauseKind;
  /** an id; of a token or a grant in base64url */
  readonly object: string;
  /** the application's id, of a session the identity's, of a tree its root's */
  readonly owner: string;
  /** the last token or grant that was looked at */
  readonly after: Buffer;
  readonly isSecondLook: boolean;
}

/** A token that a cause may have ended. */
export interface SuspectToken {
  readonly id: string;
  readonly resourceServerId: string | undefined;
  readonly audience: readonly string[];
  readonly keyId: string | undefined;
  /** whether it is one of a tree; true where no tree was asked for */
  readonly isMeant: boolean;
  readonly status: StatusPlace | undefined;
  /** what its client was told: the JWT's own `exp` */
  readonly issuedExpiresAt: number;
}

const take = statement(
  "revocation_cause.take",
  `SELECT cause_id, pages, kind, object_name, owner_name, after_token, is_second_look FROM revocation_causes
   WHERE tenant_id = $1 AND realm_id = $2 AND due_at_ms <= $3 ORDER BY pages, cause_id LIMIT ${CAUSES_AT_ONCE}`,
);

// What was taken together lies together: the range is what the index is read by, for certain.
const settle = statement(
  "revocation_cause.settle",
  `DELETE FROM revocation_causes
   WHERE tenant_id = $1 AND realm_id = $2 AND pages = $3 AND cause_id BETWEEN $4 AND $5
     AND cause_id = ANY (ARRAY (SELECT value::bigint FROM json_array_elements_text($6::json)))`,
);

const postpone = statement(
  "revocation_cause.postpone",
  `UPDATE revocation_causes SET after_token = $4, due_at_ms = $5, is_second_look = $6, pages = pages + 1
   WHERE tenant_id = $1 AND realm_id = $2 AND cause_id = $3 AND pages = $7`,
);

/** Takes what ended tokens of a realm and is due: first what was looked at least. */
export async function takeCauses(session: Queryable, realm: RealmKey, nowMs: number): Promise<Cause[]> {
  return (await session.run(take, [realm.tenantId, realm.realmId, nowMs])).map((row) => ({
    id: row.cause_id as number,
    pages: row.pages as number,
    kind: row.kind as CauseKind,
    object: toName(String(row.object_name)),
    owner: toName(String(row.owner_name)),
    after: row.after_token as Buffer,
    isSecondLook: row.is_second_look === true,
  }));
}

/** Forgets causes whose tokens were all looked at. */
export async function settleCauses(session: Queryable, realm: RealmKey, causes: readonly Cause[]): Promise<void> {
  for (const [pages, some] of Map.groupBy(causes, (cause) => cause.pages)) {
    const ids = some.map(({ id }) => id);
    const range = [Math.min(...ids), Math.max(...ids)];
    await session.run(settle, [realm.tenantId, realm.realmId, pages, ...range, JSON.stringify(ids)]);
  }
}

/** Where and when to go on with a cause. */
export type Continuation = Pick<Cause, "after" | "isSecondLook"> & { readonly dueAtMs: number };

/** Notes how far the tokens of a cause were looked at. */
export async function postponeCause(
  session: Queryable,
  realm: RealmKey,
  cause: Cause,
  { after, isSecondLook, dueAtMs }: Continuation,
): Promise<void> {
  const ids = [realm.tenantId, realm.realmId, cause.id];
  await session.run(postpone, [...ids, after, dueAtMs, isSecondLook, cause.pages]);
}

const SUSPECT = "id, resource_server_id, audience, key_id, issued_expires_at, status_list, status_index";

const findTokens = statement(
  "revocation_cause.find_tokens",
  `SELECT t.id, t.resource_server_id, t.audience, t.key_id, t.issued_expires_at, t.status_list, t.status_index
   FROM json_to_recordset($3::json) AS b(id bytea, bucket integer)
   CROSS JOIN LATERAL (SELECT * FROM tokens t WHERE t.tenant_id = $1 AND t.realm_id = $2 AND t.id = b.id AND t.bucket = b.bucket
     AND t.bucket BETWEEN $4 AND $5 LIMIT 1) t`,
);

const listOfApplication = statement(
  "revocation_cause.list_tokens_of_application",
  `SELECT ${SUSPECT} FROM tokens
   WHERE tenant_id = $1 AND realm_id = $2 AND application_id = $3 AND application_id <> '' AND id > $4 ORDER BY id LIMIT ${PAGE_ROWS}`,
);

const listOfRealm = statement(
  "revocation_cause.list_tokens_of_realm",
  `SELECT ${SUSPECT} FROM tokens WHERE tenant_id = $1 AND realm_id = $2 AND id > $3 ORDER BY id LIMIT ${PAGE_ROWS}`,
);

// Everything of a grant has it for its root; of a tree some of those that have its root.
const listOfRoot = statement(
  "revocation_cause.list_tokens_of_root",
  `SELECT ${SUSPECT}, ($5::bytea IS NULL OR $5 = ANY (ancestors)) AS is_meant FROM tokens
   WHERE tenant_id = $1 AND realm_id = $2 AND root_id = $3 AND root_id IS NOT NULL AND id > $4 ORDER BY id LIMIT ${PAGE_ROWS}`,
);

/** Reads tokens by their ids; those that are forgotten are left out. */
export async function findSuspects(
  session: Queryable,
  realm: RealmKey,
  tokenIds: readonly string[],
): Promise<SuspectToken[]> {
  const batch = JSON.stringify(tokenIds.map(idColumns));
  const rows = await session.run(findTokens, [realm.tenantId, realm.realmId, batch, ...bucketRange(tokenIds)]);
  return rows.map(toSuspect);
}

/** A page of tokens in the order of their ids: an application's, those of a root, or all of a realm. */
export interface SuspectPage {
  readonly of: "application" | "root" | "realm";
  /** the application's id, or the root's */
  readonly owner: string;
  /** of a root: the token from which those that are meant were exchanged; undefined where all are meant */
  readonly ancestor?: string | undefined;
  readonly after: Buffer;
}

/** Reads a page of tokens. */
export async function listSuspects(session: Queryable, realm: RealmKey, page: SuspectPage): Promise<SuspectToken[]> {
  const { owner, ancestor, after } = page;
  const key = [realm.tenantId, realm.realmId];
  if (page.of === "realm") return (await session.run(listOfRealm, [...key, after])).map(toSuspect);
  if (page.of === "application") return (await session.run(listOfApplication, [...key, owner, after])).map(toSuspect);
  const descendantsOf = ancestor === undefined ? null : Buffer.from(ancestor, "base64url");
  return (await session.run(listOfRoot, [...key, Buffer.from(owner, "base64url"), after, descendantsOf])).map(
    toSuspect,
  );
}

// Revoking writes one row (settled 3): who was exchanged from it is found by the root that they share.
const spreadTrees = statement(
  "revocation_cause.spread_trees",
  `INSERT INTO revocation_causes (tenant_id, realm_id, kind, object_name, owner_name)
   SELECT $1, $2, 'tree', t.id::text, COALESCE(t.root_id, t.id)::text
   FROM json_to_recordset($3::json) AS b(id bytea, bucket integer)
   CROSS JOIN LATERAL (SELECT * FROM tokens t WHERE t.tenant_id = $1 AND t.realm_id = $2 AND t.id = b.id AND t.bucket = b.bucket
     AND t.bucket BETWEEN $4 AND $5 LIMIT 1) t
   WHERE EXISTS (SELECT FROM tokens d WHERE d.tenant_id = $1 AND d.realm_id = $2 AND d.root_id = COALESCE(t.root_id, t.id)
     AND d.root_id IS NOT NULL AND t.id = ANY (d.ancestors))`,
);

/** Makes causes of those tokens from which others were exchanged. */
export async function spreadToTrees(session: Queryable, realm: RealmKey, tokenIds: readonly string[]): Promise<void> {
  if (tokenIds.length === 0) return;
  const batch = JSON.stringify(tokenIds.map(idColumns));
  await session.run(spreadTrees, [realm.tenantId, realm.realmId, batch, ...bucketRange(tokenIds)]);
}

// A person's tokens hang on grants, which have an index by person; the tokens have none.
const spread = statement(
  "revocation_cause.spread",
  `WITH page AS (
     SELECT id, application_id FROM grants
     WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND identity_id <> '' AND id > $4 AND ($5 = '' OR session_id = $5)
     ORDER BY id LIMIT ${PAGE_ROWS}
   ), spread AS (
     INSERT INTO revocation_causes (tenant_id, realm_id, kind, object_name, owner_name)
     SELECT $1, $2, 'grant', id::text, application_id FROM page
   )
   SELECT id FROM page ORDER BY id`,
);

/**
 * Makes causes of a page of a person's grants, all or a session's, in the order of their ids.
 *
 * @returns the grants' ids
 */
export async function spreadCause(
  session: Queryable,
  realm: RealmKey,
  of: { readonly identityId: string; readonly sessionId: string; readonly after: Buffer },
): Promise<Buffer[]> {
  const rows = await session.run(spread, [realm.tenantId, realm.realmId, of.identityId, of.after, of.sessionId]);
  return rows.map((row) => row.id as Buffer);
}

/** Realms with causes that are due, over all tenants, at most 100. */
export async function listRealmsWithCauses(session: OwnerSession, nowMs: number): Promise<RealmKey[]> {
  const rows = await session.query(
    `SELECT DISTINCT tenant_id, realm_id FROM revocation_causes WHERE due_at_ms <= $1 LIMIT ${REALMS_AT_ONCE}`,
    [nowMs],
  );
  return rows.map((row) => ({ tenantId: String(row.tenant_id), realmId: String(row.realm_id) }));
}

// Bytes were noted as PostgreSQL writes them; no other id begins like that.
function toName(object: string): string {
  return object.startsWith("\\x") ? Buffer.from(object.slice(2), "hex").toString("base64url") : object;
}

function toSuspect(row: Row): SuspectToken {
  return {
    id: (row.id as Buffer).toString("base64url"),
    resourceServerId: (row.resource_server_id as string | null) ?? undefined,
    audience: row.audience as string[],
    keyId: (row.key_id as string | null) ?? undefined,
    isMeant: row.is_meant !== false,
    status:
      row.status_list === null ? undefined : { list: row.status_list as number, index: row.status_index as number },
    issuedExpiresAt: row.issued_expires_at as number,
  };
}
