import type { OwnerSession, Queryable, Row } from "../../database/database.ts";
import { statement } from "../../database/statement.ts";
import type { ApplicationKey, IssuerMode, SigningAlgorithm } from "../../protocol/client-metadata.ts";
import { type Session, type SessionKey, selectSession, toSession } from "../session/queries.ts";
import { alive } from "../tombstone.ts";

const SETTLED_AT_ONCE_MAX = 1_000;

/** An application that a session was used for. */
export interface SessionApplication extends ApplicationKey, SessionKey {
  /** what the client calls the session and the person: `sid` and `sub` */
  readonly clientSessionId: string;
  readonly subject: string;
}

/** Of what an application is told: that its access was withdrawn, in milliseconds of real time, or of the end of the session. */
interface Told extends SessionApplication {
  readonly withdrawnAtMs: number | undefined;
}

/** An application that is to be told of a session's end. */
export interface LogoutDelivery extends Told {
  readonly uri: string;
  readonly clientId: string;
  readonly algorithm: SigningAlgorithm;
  readonly issuerMode: IssuerMode;
  /** how often it was tried */
  readonly attempts: number;
  readonly clockOffsetSeconds: number;
}

/** What came of telling: `given_up` when nobody answered as often as it was tried. */
export type LogoutOutcome = "accepted" | "refused" | "given_up";

const note = statement(
  "session_application.note",
  `INSERT INTO session_applications (tenant_id, realm_id, session_id, application_id, client_session_id, subject)
   VALUES ($1, $2, $3, $4, $5, $6)
   ON CONFLICT (tenant_id, realm_id, session_id, application_id) DO UPDATE SET subject = excluded.subject,
     withdrawn_at_ms = NULL, attempts = 0, next_attempt_at_ms = 0, told_at_ms = NULL, told_outcome = NULL
   RETURNING client_session_id`,
);

// Those of sessions that have ended are told of that. One without an address has nothing to hear, and is not looked at again.
const withdraw = statement(
  "session_application.withdraw",
  `UPDATE session_applications p SET withdrawn_at_ms = $5, told_at_ms = CASE WHEN NOT EXISTS (
       SELECT FROM applications a WHERE a.tenant_id = $1 AND a.realm_id = $2 AND a.application_id = $4
         AND a.protocol_config ->> 'backchannel_logout_uri' IS NOT NULL) THEN $5::bigint END
   FROM sessions s
   WHERE p.tenant_id = $1 AND p.realm_id = $2 AND p.application_id = $4 AND p.withdrawn_at_ms IS NULL AND p.told_at_ms IS NULL
     AND s.tenant_id = $1 AND s.realm_id = $2 AND s.identity_id = $3 AND s.session_id = p.session_id AND s.ended_at IS NULL`,
);

const findByClient = statement(
  "session_application.find_session",
  `${selectSession(
    `(SELECT s.* FROM session_applications p JOIN sessions s ON s.tenant_id = p.tenant_id AND s.realm_id = p.realm_id
       AND s.session_id = p.session_id
     WHERE p.tenant_id = $1 AND p.realm_id = $2 AND p.application_id = $3 AND p.client_session_id = $4 LIMIT 1) s`,
  )}`,
);

const findAny = statement(
  "session_application.find_any",
  `SELECT p.application_id FROM session_applications p
   JOIN applications a ON a.tenant_id = p.tenant_id AND a.realm_id = p.realm_id AND a.application_id = p.application_id
     AND ${alive("a")} AND a.protocol_config ->> 'issuer_mode' = $4
   WHERE p.tenant_id = $1 AND p.realm_id = $2 AND p.session_id = $3 ORDER BY p.application_id LIMIT 1`,
);

// The guard is what it is told of: whoever has logged in to it again meanwhile has it told of the next end.
const settle = statement(
  "session_application.settle",
  `UPDATE session_applications SET attempts = attempts + 1, told_at_ms = $5, told_outcome = $6
   WHERE tenant_id = $1 AND realm_id = $2 AND session_id = $3 AND application_id = $4 AND told_at_ms IS NULL
     AND withdrawn_at_ms IS NOT DISTINCT FROM $7`,
);

const postpone = statement(
  "session_application.postpone",
  `UPDATE session_applications SET attempts = attempts + 1, next_attempt_at_ms = $5
   WHERE tenant_id = $1 AND realm_id = $2 AND session_id = $3 AND application_id = $4 AND told_at_ms IS NULL
     AND withdrawn_at_ms IS NOT DISTINCT FROM $6`,
);

/**
 * Notes that a session was used for an application, which is told of its end from now on. Returns what the client calls it: as it did
 * before, if it was.
 */
export async function noteSessionApplication(db: Queryable, used: SessionApplication): Promise<string> {
  const [row] = await db.run(note, [...ids(used), used.clientSessionId, used.subject]);
  return row === undefined ? used.clientSessionId : (row.client_session_id as string);
}

/**
 * Notes that a person took back what an application had: it is told that it is over for each session of the person that it was used in,
 * and that goes on for the others.
 */
export async function withdrawSessionApplications(
  db: Queryable,
  { tenantId, realmId, identityId, applicationId }: ApplicationKey & { readonly identityId: string },
  atMs: number,
): Promise<void> {
  await db.run(withdraw, [tenantId, realmId, identityId, applicationId, atMs]);
}

/** Reads the session that a client calls so, whatever became of it; undefined when there never was one, or it was forgotten. */
export async function findClientSession(
  db: Queryable,
  key: ApplicationKey,
  clientSessionId: string,
): Promise<Session | undefined> {
  const [row] = await db.run(findByClient, [key.tenantId, key.realmId, key.applicationId, clientSessionId]);
  return row && toSession(row);
}

/** Finds an application that a session was used for, of those whose issuer is of this kind. */
export async function findSessionApplication(
  db: Queryable,
  { tenantId, realmId, sessionId }: SessionKey,
  mode: IssuerMode,
): Promise<ApplicationKey | undefined> {
  const [row] = await db.run(findAny, [tenantId, realmId, sessionId, mode]);
  return row && { tenantId, realmId, applicationId: row.application_id as string };
}

/** Notes what came of telling an application: it is not told again. */
export async function settleLogout(
  db: Queryable,
  delivery: Told,
  told: { readonly outcome: LogoutOutcome; readonly atMs: number },
): Promise<void> {
  await db.run(settle, [...ids(delivery), told.atMs, told.outcome, delivery.withdrawnAtMs]);
}

/** Notes that an application could not be told, and when to try again. */
export async function postponeLogout(db: Queryable, delivery: Told, nextAtMs: number): Promise<void> {
  await db.run(postpone, [...ids(delivery), nextAtMs, delivery.withdrawnAtMs]);
}

/**
 * The applications of every tenant that are to be told by now of a session's end, or of their own in it: those with an address for it, the longest due first,
 * and of each tenant one before a second one of any: a tenant with many does not come before all others.
 */
export async function listDueLogouts(
  session: OwnerSession,
  due: { readonly nowMs: number; readonly limit: number },
): Promise<LogoutDelivery[]> {
  const rows = await session.query(
    `SELECT p.*, a.client_id, a.protocol_config ->> 'backchannel_logout_uri' AS uri, t.clock_offset_seconds,
       a.protocol_config -> 'token_configuration' ->> 'id_token_signed_response_alg' AS algorithm,
       a.protocol_config ->> 'issuer_mode' AS issuer_mode,
       row_number() OVER (PARTITION BY p.tenant_id ORDER BY p.next_attempt_at_ms) AS turn
     FROM (SELECT p.* FROM sessions s JOIN session_applications p ON ${IS_OF_SESSION} WHERE ${ENDED_UNTOLD} AND p.told_at_ms IS NULL
       UNION ALL
       SELECT p.* FROM session_applications p WHERE p.withdrawn_at_ms IS NOT NULL AND p.told_at_ms IS NULL
         AND NOT EXISTS (SELECT FROM sessions s WHERE ${IS_OF_SESSION} AND ${ENDED_UNTOLD})) p
     ${IS_TOLD_OF}
     WHERE p.next_attempt_at_ms <= $1
     ORDER BY turn, p.next_attempt_at_ms LIMIT $2`,
    [due.nowMs, due.limit],
  );
  return rows.map(toDelivery);
}

/** Marks at most 1,000 ended sessions of which nobody is left to be told. */
export async function markSessionsTold(session: OwnerSession): Promise<void> {
  await session.query(
    `UPDATE sessions SET is_told = true WHERE ctid = ANY (ARRAY (
       SELECT s.ctid FROM sessions s WHERE s.ended_at IS NOT NULL AND NOT s.is_told AND NOT EXISTS (
         SELECT FROM session_applications p ${IS_TOLD_OF}
         WHERE p.tenant_id = s.tenant_id AND p.realm_id = s.realm_id AND p.session_id = s.session_id AND p.told_at_ms IS NULL)
       LIMIT ${SETTLED_AT_ONCE_MAX}))`,
  );
}

const IS_OF_SESSION = "p.tenant_id = s.tenant_id AND p.realm_id = s.realm_id AND p.session_id = s.session_id";
const ENDED_UNTOLD = "s.ended_at IS NOT NULL AND NOT s.is_told";

// What is deleted is told nothing.
const IS_TOLD_OF = `JOIN applications a ON a.tenant_id = p.tenant_id AND a.realm_id = p.realm_id AND a.application_id = p.application_id
       AND ${alive("a")} AND a.protocol_config ->> 'backchannel_logout_uri' IS NOT NULL
     JOIN realms r ON r.tenant_id = p.tenant_id AND r.realm_id = p.realm_id AND ${alive("r")}
     JOIN tenants t ON t.tenant_id = p.tenant_id AND ${alive("t")}`;

function ids(key: ApplicationKey & SessionKey): readonly string[] {
  return [key.tenantId, key.realmId, key.sessionId, key.applicationId];
}

function toDelivery(row: Row): LogoutDelivery {
  return {
    tenantId: row.tenant_id as string,
    realmId: row.realm_id as string,
    sessionId: row.session_id as string,
    applicationId: row.application_id as string,
    clientSessionId: row.client_session_id as string,
    subject: row.subject as string,
    withdrawnAtMs: (row.withdrawn_at_ms as number | null) ?? undefined,
    uri: row.uri as string,
    clientId: row.client_id as string,
    algorithm: row.algorithm as SigningAlgorithm,
    issuerMode: row.issuer_mode as IssuerMode,
    attempts: row.attempts as number,
    clockOffsetSeconds: row.clock_offset_seconds as number,
  };
}
