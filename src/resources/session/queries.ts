import type { OwnerSession, Queryable, Row } from "../../database/database.ts";
import { statement } from "../../database/statement.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import type { KnownBrowser } from "../../protocol/user-agent.ts";
import type { IdentityKey } from "../identity/queries.ts";
import { alive } from "../tombstone.ts";

const DELETED_AT_ONCE_MAX = 1_000;
/** Most sessions of a person that are listed. */
const LISTED_MAX = 100;

/** Names a session: what tokens call `bi_s` and ID tokens `sid`, and no credential. */
export interface SessionKey extends RealmKey {
  readonly sessionId: string;
}

/** Why a session was ended; one whose lifetime is over was not (rule 13). */
export type SessionEnd = "logout" | "replaced" | "identity";

/** A person logged in to a realm in one browser; instants are seconds of tenant time. */
export interface Session {
  readonly key: SessionKey;
  readonly identityId: string;
  readonly secretHash: Buffer;
  readonly authTime: number;
  readonly amr: readonly string[];
  readonly acr: string;
  readonly seenAt: number;
  readonly endedAt: number | undefined;
  /** what a passkey that is made now answers, base64url; undefined where none was asked for */
  readonly challenge: string | undefined;
  /** undefined where the browser did not say what it is */
  readonly browser: KnownBrowser | undefined;
  /** of the person's address; undefined where there is none */
  readonly emailKey: string | undefined;
  /** whether the person may log in still */
  readonly identityIsDead: boolean;
}

/** An authentication that begins a session or renews one. */
export interface SessionProof {
  readonly identityId: string;
  readonly secretHash: Uint8Array;
  readonly authTime: number;
  readonly amr: readonly string[];
  readonly acr: string;
  /** milliseconds of real time until which a grant of it may have to find it */
  readonly keptUntilMs: number;
}

/** SQL: sessions `s` of a FROM item, as `toSession` reads them. */
export function selectSession(from: string): string {
  return `SELECT s.*, i.status AS identity_status, i.email_key FROM ${from}
   LEFT JOIN LATERAL (SELECT * FROM identities i WHERE i.tenant_id = s.tenant_id AND i.realm_id = s.realm_id
     AND i.identity_id = s.identity_id AND ${alive("i")} LIMIT 1) i ON true`;
}

const find = statement(
  "session.find",
  `${selectSession("sessions s")} WHERE s.tenant_id = $1 AND s.realm_id = $2 AND s.session_id = $3`,
);

const insert = statement(
  "session.insert",
  `INSERT INTO sessions (tenant_id, realm_id, session_id, identity_id, secret_hash, auth_time, amr, acr, seen_at, kept_until_ms,
     browser_name, system_name)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $6, $9, $10, $11)`,
);

// The guard is the secret that was read: of two authentications at once in one browser the second begins a session of its own.
const renew = statement(
  "session.renew",
  `UPDATE sessions SET secret_hash = $5, auth_time = $6, amr = $7, acr = $8, seen_at = $6, challenge = NULL,
     kept_until_ms = GREATEST(kept_until_ms, $9::bigint)
   WHERE tenant_id = $1 AND realm_id = $2 AND session_id = $3 AND identity_id = $4 AND secret_hash = $10 AND ended_at IS NULL
   RETURNING session_id`,
);

// The guard is the secret: a page of an earlier login asks for nothing any more.
const setChallenge = statement(
  "session.set_challenge",
  `UPDATE sessions SET challenge = $5
   WHERE tenant_id = $1 AND realm_id = $2 AND session_id = $3 AND secret_hash = $4 AND ended_at IS NULL
   RETURNING session_id`,
);

const spendChallenge = statement(
  "session.spend_challenge",
  `UPDATE sessions SET challenge = NULL
   WHERE tenant_id = $1 AND realm_id = $2 AND session_id = $3 AND secret_hash = $4 AND challenge = $5 AND ended_at IS NULL
   RETURNING session_id`,
);

const use = statement(
  "session.use",
  `UPDATE sessions SET seen_at = GREATEST(seen_at, $5::bigint), kept_until_ms = GREATEST(kept_until_ms, $6::bigint)
   WHERE tenant_id = $1 AND realm_id = $2 AND session_id = $3 AND identity_id = $4 AND ended_at IS NULL
     AND seen_at >= $7 AND auth_time >= $8
   RETURNING session_id`,
);

const end = statement(
  "session.end",
  `UPDATE sessions SET ended_at = $4, ended_reason = $5
   WHERE tenant_id = $1 AND realm_id = $2 AND session_id = $3 AND ended_at IS NULL
   RETURNING session_id`,
);

const listOpen = statement(
  "session.list_open",
  `${selectSession("sessions s")} WHERE s.tenant_id = $1 AND s.realm_id = $2 AND s.identity_id = $3 AND s.ended_at IS NULL
     AND s.seen_at >= $4 AND s.auth_time >= $5
   ORDER BY s.seen_at DESC, s.session_id LIMIT ${LISTED_MAX}`,
);

const endOwn = statement(
  "session.end_own",
  `UPDATE sessions SET ended_at = $5, ended_reason = $6
   WHERE tenant_id = $1 AND realm_id = $2 AND session_id = $3 AND identity_id = $4 AND ended_at IS NULL
   RETURNING session_id`,
);

const endOthers = statement(
  "session.end_others",
  `WITH ended AS (
     UPDATE sessions SET ended_at = $5, ended_reason = $6
     WHERE tenant_id = $1 AND realm_id = $2 AND session_id <> $3 AND identity_id = $4 AND ended_at IS NULL
     RETURNING session_id
   ) SELECT count(*) AS count FROM ended`,
);

/** Reads a session, whatever became of it; undefined when there never was one, or it was forgotten. */
export async function findSession(db: Queryable, key: SessionKey): Promise<Session | undefined> {
  const [row] = await db.run(find, ids(key));
  return row && toSession(row);
}

/** Begins a session. */
export async function insertSession(
  db: Queryable,
  key: SessionKey,
  proof: SessionProof,
  browser: KnownBrowser | undefined,
): Promise<void> {
  const names = [browser?.browser ?? null, browser?.system ?? null];
  await db.run(insert, [...ids(key), ...members(proof), ...names]);
}

/** Renews a session by another authentication of its person; its secret becomes another. False: it was ended or renewed meanwhile. */
export async function renewSession(
  db: Queryable,
  session: Pick<Session, "key" | "secretHash">,
  proof: SessionProof,
): Promise<boolean> {
  return (await db.run(renew, [...ids(session.key), ...members(proof), session.secretHash])).length === 1;
}

/** Notes what a passkey that is made in a session has to answer. False: it has ended, or its person has logged in again. */
export async function setSessionChallenge(
  db: Queryable,
  { key, secretHash }: Pick<Session, "key" | "secretHash">,
  challenge: string,
): Promise<boolean> {
  return (await db.run(setChallenge, [...ids(key), secretHash, challenge])).length === 1;
}

/** Spends what was to be answered. False: it was answered or replaced meanwhile, or the session has ended. */
export async function spendSessionChallenge(
  db: Queryable,
  { key, secretHash }: Pick<Session, "key" | "secretHash">,
  challenge: string,
): Promise<boolean> {
  return (await db.run(spendChallenge, [...ids(key), secretHash, challenge])).length === 1;
}

/** Since when the person of a session must have used it and must have logged in (`oldestOpen`). */
export interface OpenSince {
  readonly seenSince: number;
  readonly authenticatedSince: number;
}

/** Reads the sessions that log a person in, the one used last first; at most 100. */
export async function listOpenSessions(
  db: Queryable,
  { tenantId, realmId, identityId }: IdentityKey,
  { seenSince, authenticatedSince }: OpenSince,
): Promise<Session[]> {
  return (await db.run(listOpen, [tenantId, realmId, identityId, seenSince, authenticatedSince])).map(toSession);
}

/** Another login by a session. */
export interface UsedAgain extends OpenSince {
  readonly identityId: string;
  readonly at: number;
  readonly keptUntilMs: number;
}

/** Notes that a session was used for another login of its person. False: it was ended meanwhile, or is over. */
export async function useSession(
  db: Queryable,
  key: SessionKey,
  { identityId, at, keptUntilMs, seenSince, authenticatedSince }: UsedAgain,
): Promise<boolean> {
  const values = [identityId, at, keptUntilMs, seenSince, authenticatedSince];
  return (await db.run(use, [...ids(key), ...values])).length === 1;
}

/** Ends a session, and so its grants without `offline_access`, which read it (settled 3, 16). False: it had ended before. */
export async function endSession(
  db: Queryable,
  key: SessionKey,
  ended: { readonly at: number; readonly reason: SessionEnd },
): Promise<boolean> {
  return (await db.run(end, [...ids(key), ended.at, ended.reason])).length === 1;
}

/** Ends a session as `endSession` does, if it is this person's. False: it is not, or had ended before. */
export async function endOwnSession(
  db: Queryable,
  { key, identityId }: Pick<Session, "key" | "identityId">,
  ended: { readonly at: number; readonly reason: SessionEnd },
): Promise<boolean> {
  return (await db.run(endOwn, [...ids(key), identityId, ended.at, ended.reason])).length === 1;
}

/** Ends every session of a person but this one. Returns how many. */
export async function endOtherSessions(
  db: Queryable,
  { key, identityId }: Pick<Session, "key" | "identityId">,
  ended: { readonly at: number; readonly reason: SessionEnd },
): Promise<number> {
  const [row] = await db.run(endOthers, [...ids(key), identityId, ended.at, ended.reason]);
  return Number(row?.count);
}

/** Deletes at most 1,000 sessions of every tenant that no grant can need any more, with what they were used for. Returns how many are gone. */
export async function deleteForgottenSessions(session: OwnerSession, nowMs: number): Promise<number> {
  const rows = await session.query(
    `WITH gone AS (
       DELETE FROM sessions
        WHERE ctid = ANY (ARRAY (SELECT ctid FROM sessions WHERE kept_until_ms < $1 LIMIT ${DELETED_AT_ONCE_MAX}))
        RETURNING tenant_id, realm_id, session_id
     ), applications AS (
       DELETE FROM session_applications p USING gone
        WHERE p.tenant_id = gone.tenant_id AND p.realm_id = gone.realm_id AND p.session_id = gone.session_id
     ) SELECT count(*) AS count FROM gone`,
    [nowMs],
  );
  return Number(rows[0]?.count);
}

/**
 * SQL: whether the session of the grant `g` lets it live: it was not ended, or the grant was given `offline_access` (rule 13).
 * OFFSET keeps it a look-up by primary key.
 */
export const SESSION_LETS_GRANT_LIVE = `(g.session_id = '' OR 'offline_access' = ANY (string_to_array(g.scope, ' '))
  OR NOT EXISTS (SELECT FROM sessions s WHERE s.tenant_id = g.tenant_id AND s.realm_id = g.realm_id AND s.session_id = g.session_id
    AND s.ended_at IS NOT NULL OFFSET 0))`;

function ids(key: SessionKey): readonly string[] {
  return [key.tenantId, key.realmId, key.sessionId];
}

function members(proof: SessionProof): readonly unknown[] {
  return [proof.identityId, proof.secretHash, proof.authTime, proof.amr, proof.acr, proof.keptUntilMs];
}

function toBrowser({ browser_name, system_name }: Row): KnownBrowser | undefined {
  if (typeof browser_name !== "string" || typeof system_name !== "string") return undefined;
  return { browser: browser_name, system: system_name };
}

/** A session of a row of `selectSession`. */
export function toSession(row: Row): Session {
  return {
    key: {
      tenantId: row.tenant_id as string,
      realmId: row.realm_id as string,
      sessionId: row.session_id as string,
    },
    identityId: row.identity_id as string,
    secretHash: row.secret_hash as Buffer,
    authTime: row.auth_time as number,
    amr: row.amr as string[],
    acr: row.acr as string,
    seenAt: row.seen_at as number,
    endedAt: (row.ended_at as number | null) ?? undefined,
    challenge: (row.challenge as string | null) ?? undefined,
    browser: toBrowser(row),
    emailKey: (row.email_key as string | null) ?? undefined,
    identityIsDead: row.identity_status !== "active",
  };
}
