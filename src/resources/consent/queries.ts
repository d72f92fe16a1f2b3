import type { Queryable, Row } from "../../database/database.ts";
import { statement } from "../../database/statement.ts";
import type { ApplicationKey } from "../../protocol/client-metadata.ts";
import type { ConsentTerms } from "../../protocol/consent.ts";
import { readClaims } from "../authorization-request/schema.ts";
import type { IdentityKey } from "../identity/queries.ts";
import { applicationKeyOfRow } from "../row-key.ts";
import { SESSION_LETS_GRANT_LIVE } from "../session/queries.ts";
import { alive } from "../tombstone.ts";

/** Most consents of a person that are listed. */
const LISTED_MAX = 200;
/** Most grants of a person among which those are looked for that nobody was asked for. */
const GRANTS_MAX = 1_000;
/** Most grants that are looked for at once. */
const GRANTS_AT_ONCE = 500;

/** Names a consent: a person's, to an application of the realm. */
export interface ConsentKey extends ApplicationKey {
  readonly identityId: string;
}

/** What a person lets an application have; instants are seconds of tenant time. */
export interface StoredConsent extends ConsentTerms {
  readonly key: ConsentKey;
  /** when the person was asked last, and when a grant was made by it last */
  readonly givenAt: number;
  readonly usedAt: number;
}

const find = statement(
  "consent.find",
  "SELECT * FROM consents WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND application_id = $4",
);

// What was agreed to before, at the same resource server, stays agreed to; how long a token may live is what was chosen last.
const give = statement(
  "consent.give",
  `INSERT INTO consents AS c (tenant_id, realm_id, identity_id, application_id, resource_server_id, scopes, claims, max_seconds,
     renewal_seconds, given_at, used_at)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
   ON CONFLICT (tenant_id, realm_id, identity_id, application_id) DO UPDATE SET
     resource_server_id = excluded.resource_server_id, max_seconds = excluded.max_seconds, given_at = excluded.given_at,
     used_at = excluded.used_at, renewal_seconds = excluded.renewal_seconds,
     scopes = CASE WHEN c.resource_server_id IS DISTINCT FROM excluded.resource_server_id THEN excluded.scopes
       ELSE ARRAY (SELECT unnest(c.scopes) UNION SELECT unnest(excluded.scopes)) END,
     claims = ARRAY (SELECT unnest(c.claims) UNION SELECT unnest(excluded.claims))`,
);

const use = statement(
  "consent.use",
  `UPDATE consents SET used_at = GREATEST(used_at, $5::bigint)
   WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND application_id = $4
   RETURNING *`,
);

const withdraw = statement(
  "consent.withdraw",
  `DELETE FROM consents WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND application_id = $4
   RETURNING application_id`,
);

const list = statement(
  "consent.list",
  `SELECT c.*, a.display_name FROM consents c
   CROSS JOIN LATERAL (SELECT * FROM applications a WHERE a.tenant_id = c.tenant_id AND a.realm_id = c.realm_id
     AND a.application_id = c.application_id AND ${alive("a")} LIMIT 1) a
   WHERE c.tenant_id = $1 AND c.realm_id = $2 AND c.identity_id = $3 ORDER BY c.application_id LIMIT ${LISTED_MAX}`,
);

const listGrants = statement(
  "consent.list_grants",
  `SELECT id FROM grants WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND identity_id <> '' AND application_id = $4
     AND revoked_at IS NULL AND ends_at > $5 ORDER BY id LIMIT ${GRANTS_AT_ONCE}`,
);

// What may have a token that lives, as far as its grant says. Of a person only so many are looked at.
const listUnasked = statement(
  "consent.list_unasked",
  `SELECT g.application_id, a.display_name, array_agg(DISTINCT g.scope) AS scopes,
     COALESCE(json_agg(g.claims) FILTER (WHERE g.claims IS NOT NULL), '[]') AS claims, max(g.issued_at) AS given_at
   FROM (SELECT * FROM grants g WHERE g.tenant_id = $1 AND g.realm_id = $2 AND g.identity_id = $3 AND g.identity_id <> ''
       AND g.revoked_at IS NULL AND g.ends_at > $4 AND (g.code_spent_at IS NOT NULL OR g.code_expires_at > $4)
       AND ${SESSION_LETS_GRANT_LIVE} ORDER BY g.id LIMIT ${GRANTS_MAX}) g
   CROSS JOIN LATERAL (SELECT * FROM applications a WHERE a.tenant_id = $1 AND a.realm_id = $2
     AND a.application_id = g.application_id AND ${alive("a")} LIMIT 1) a
   WHERE g.issued_at >= a.tokens_valid_after
     AND NOT EXISTS (SELECT FROM identities i WHERE i.tenant_id = $1 AND i.realm_id = $2 AND i.identity_id = $3
       AND i.tokens_valid_after > g.issued_at)
     AND NOT EXISTS (SELECT FROM consents c WHERE c.tenant_id = $1 AND c.realm_id = $2 AND c.identity_id = $3
       AND c.application_id = g.application_id)
   GROUP BY g.application_id, a.display_name ORDER BY g.application_id LIMIT ${LISTED_MAX}`,
);

/** Reads what a person lets an application have; undefined where nobody was asked, or it was withdrawn. */
export async function findConsent(db: Queryable, key: ConsentKey): Promise<StoredConsent | undefined> {
  const [row] = await db.run(find, ids(key));
  return row && toConsent(row);
}

/** Stores what a person has agreed to, beside what it was before; the lifetime that was chosen takes the place of the one before. */
export async function giveConsent(
  db: Queryable,
  key: ConsentKey,
  given: { readonly terms: ConsentTerms; readonly at: number },
): Promise<void> {
  const { scope, claims, resourceServerId, maximumSeconds, renewalSeconds } = given.terms;
  await db.run(give, [...ids(key), resourceServerId, scope, claims, maximumSeconds, renewalSeconds, given.at]);
}

/**
 * Notes that a grant is made by a consent, and keeps it until the transaction ends: whoever withdraws it waits, and finds the grant.
 *
 * @returns undefined when it was withdrawn
 */
export async function useConsent(db: Queryable, key: ConsentKey, at: number): Promise<StoredConsent | undefined> {
  const [row] = await db.run(use, [...ids(key), at]);
  return row && toConsent(row);
}

/** Deletes a consent, after whoever makes a grant by it. False: there was none. Its grants are `changes.ts`'s to end. */
export async function deleteConsent(db: Queryable, key: ConsentKey): Promise<boolean> {
  return (await db.run(withdraw, ids(key))).length === 1;
}

/** What a person lets each application have, with what the applications are called; of those that are there. At most 200. */
export async function listConsents(
  db: Queryable,
  { tenantId, realmId, identityId }: IdentityKey,
): Promise<(StoredConsent & { readonly applicationName: string })[]> {
  const rows = await db.run(list, [tenantId, realmId, identityId]);
  return rows.map((row) => ({ ...toConsent(row), applicationName: row.display_name as string }));
}

/** What an application has of a person who was never asked. */
export interface UnaskedAccess extends Pick<StoredConsent, "key" | "scope" | "claims" | "givenAt"> {
  readonly applicationName: string;
}

/** The applications that a person logged in to without being asked, and that may have tokens of the person by it; at most 200. */
export async function listUnaskedAccess(
  db: Queryable,
  { tenantId, realmId, identityId }: IdentityKey,
  now: number,
): Promise<UnaskedAccess[]> {
  const rows = await db.run(listUnasked, [tenantId, realmId, identityId, now]);
  return rows.map((row) => {
    const claims = (row.claims as unknown[]).map(readClaims);
    return {
      key: { tenantId, realmId, identityId, applicationId: row.application_id as string },
      applicationName: row.display_name as string,
      scope: [...new Set((row.scopes as string[]).flatMap((scope) => scope.split(" ")))].filter((one) => one !== ""),
      claims: [...new Set(claims.flatMap(({ idToken, userinfo }) => [...idToken, ...userinfo]))],
      givenAt: row.given_at as number,
    };
  });
}

/** The ids of grants of a person to an application that live, at most 500. */
export async function listLiveGrants(db: Queryable, key: ConsentKey, now: number): Promise<string[]> {
  const rows = await db.run(listGrants, [...ids(key), now]);
  return rows.map((row) => (row.id as Buffer).toString("base64url"));
}

function ids(key: ConsentKey): readonly string[] {
  return [key.tenantId, key.realmId, key.identityId, key.applicationId];
}

function toConsent(row: Row): StoredConsent {
  return {
    key: { ...applicationKeyOfRow(row), identityId: row.identity_id as string },
    scope: row.scopes as string[],
    claims: row.claims as string[],
    resourceServerId: (row.resource_server_id as string | null) ?? undefined,
    maximumSeconds: row.max_seconds as number,
    renewalSeconds: row.renewal_seconds as number,
    givenAt: row.given_at as number,
    usedAt: row.used_at as number,
  };
}
