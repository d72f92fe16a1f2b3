import type { OwnerSession, Queryable, Row } from "../../database/database.ts";
import { deleteSome } from "../../database/delete-some.ts";
import { statement } from "../../database/statement.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import type { EventActor } from "../event/queries.ts";
import type { EventSource } from "../event-source.ts";
import { alive } from "../tombstone.ts";
import type { MailKind, MailState } from "./schema.ts";

/** Names a mail on its way. */
export interface OutgoingMailKey extends RealmKey {
  readonly mailId: string;
}

/** A mail to be sent. */
export interface NewOutgoingMail {
  readonly kind: MailKind;
  /** whom it is for, if that is somebody already */
  readonly identityId: string | undefined;
  /** by kind: an authorization request, a credential binding job, a credential */
  readonly aboutId: string;
  readonly contentSealed: Uint8Array;
  /** who asked, and in which request, for its events */
  readonly source: EventSource;
  /** seconds of tenant time: it is not sent after it */
  readonly expiresAt: number;
}

/** A mail that somebody has in hand: nobody else tries it. */
export interface ClaimedMail extends NewOutgoingMail {
  readonly key: OutgoingMailKey;
  /** so often it was tried, this time included */
  readonly attempts: number;
  readonly tenantKind: "production" | "test";
  readonly clockOffsetSeconds: number;
}

/** What became of an attempt; QUEUED is to be tried again. `error` is a class, never a server's words: those name the address. */
export type MailOutcome =
  | { readonly state: "SENT" }
  | { readonly state: "FAILED" | "GIVEN_UP"; readonly error: string }
  | { readonly state: "QUEUED"; readonly error: string; readonly nextAttemptAtMs: number };

const KEY = "tenant_id = $1 AND realm_id = $2 AND outgoing_mail_id = $3";
const IN_A_LIVE_REALM = `JOIN realms r ON r.tenant_id = t.tenant_id AND ${alive("r")}`;

const insert = statement(
  "outgoing_mail.insert",
  `INSERT INTO outgoing_mails (tenant_id, realm_id, outgoing_mail_id, kind, identity_id, about_id, content_sealed, source, expires_at,
     next_attempt_at_ms, created_at_ms)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)`,
);

// One statement: of two nodes that find a mail due at once, one gets it.
const claim = statement(
  "outgoing_mail.claim",
  `UPDATE outgoing_mails m SET attempts = m.attempts + 1, next_attempt_at_ms = $5
   FROM tenants t ${IN_A_LIVE_REALM}
   WHERE m.tenant_id = $1 AND m.realm_id = $2 AND m.outgoing_mail_id = $3 AND m.state = 'QUEUED' AND m.next_attempt_at_ms <= $4
     AND t.tenant_id = $1 AND ${alive("t")} AND r.realm_id = $2
   RETURNING m.*, t.kind AS tenant_kind, t.clock_offset_seconds`,
);

// The number of attempts names the claim: whoever has lost it meanwhile settles nothing.
const settle = statement(
  "outgoing_mail.settle",
  `UPDATE outgoing_mails SET state = $5, last_error = $6, content_sealed = NULL, settled_at_ms = $7
   WHERE ${KEY} AND state = 'QUEUED' AND attempts = $4 RETURNING state`,
);

const postpone = statement(
  "outgoing_mail.postpone",
  `UPDATE outgoing_mails SET last_error = $5, next_attempt_at_ms = $6
   WHERE ${KEY} AND state = 'QUEUED' AND attempts = $4 RETURNING state`,
);

/** Stores a mail that may be sent at once. */
export async function insertOutgoingMail(
  db: Queryable,
  key: OutgoingMailKey,
  mail: NewOutgoingMail,
  nowMs: number,
): Promise<void> {
  const { kind, identityId, aboutId, contentSealed, source, expiresAt } = mail;
  const asked = { ...source, traceId: source.traceId.toString("hex") };
  await db.run(insert, [...ids(key), kind, identityId ?? null, aboutId, contentSealed, asked, expiresAt, nowMs]);
}

/** Takes a mail that is due until `untilMs`; undefined when another has it, it is not due, or there is nothing to send. */
export async function claimOutgoingMail(
  db: Queryable,
  key: OutgoingMailKey,
  { nowMs, untilMs }: { readonly nowMs: number; readonly untilMs: number },
): Promise<ClaimedMail | undefined> {
  const [row] = await db.run(claim, [...ids(key), nowMs, untilMs]);
  return row && toClaimed(key, row);
}

/** Notes what became of an attempt; once nothing is left to be sent, the content is gone. False: another has taken the mail over. */
export async function settleOutgoingMail(
  db: Queryable,
  { key, attempts }: Pick<ClaimedMail, "key" | "attempts">,
  outcome: MailOutcome,
  nowMs: number,
): Promise<boolean> {
  const error = outcome.state === "SENT" ? null : outcome.error;
  const rows =
    outcome.state === "QUEUED"
      ? await db.run(postpone, [...ids(key), attempts, error, outcome.nextAttemptAtMs])
      : await db.run(settle, [...ids(key), attempts, outcome.state, error, nowMs]);
  return rows.length > 0;
}

/** The mails of all tenants that may be tried: each tenant's first, then each one's second (rule 22), those due longest first. */
export async function listDueMails(
  session: OwnerSession,
  { nowMs, limit }: { readonly nowMs: number; readonly limit: number },
): Promise<OutgoingMailKey[]> {
  const rows = await session.query(
    `SELECT m.tenant_id, m.realm_id, m.outgoing_mail_id
     FROM (SELECT *, row_number() OVER (PARTITION BY tenant_id ORDER BY next_attempt_at_ms) AS turn
           FROM outgoing_mails WHERE state = 'QUEUED' AND next_attempt_at_ms <= $1) m
     JOIN tenants t ON t.tenant_id = m.tenant_id AND ${alive("t")} ${IN_A_LIVE_REALM} AND r.realm_id = m.realm_id
     ORDER BY m.turn, m.next_attempt_at_ms LIMIT $2`,
    [nowMs, limit],
  );
  return rows.map((row) => ({
    tenantId: String(row.tenant_id),
    realmId: String(row.realm_id),
    mailId: String(row.outgoing_mail_id),
  }));
}

/** Forgets at most 1,000 mails that were settled before then. Returns how many. */
export function deleteOldMails(session: OwnerSession, beforeMs: number): Promise<number> {
  return deleteSome(session, "outgoing_mails", "settled_at_ms < $1", [beforeMs]);
}

/** How many mails of all tenants wait to be sent, and since when the oldest does. */
export async function readMailBacklog(
  session: OwnerSession,
): Promise<{ readonly waiting: number; readonly oldestAtMs: number | undefined }> {
  const [row] = await session.query(
    "SELECT count(*) AS waiting, min(created_at_ms) AS oldest FROM outgoing_mails WHERE state = 'QUEUED'",
  );
  return { waiting: Number(row?.waiting ?? 0), oldestAtMs: (row?.oldest as number | null) ?? undefined };
}

function ids(key: OutgoingMailKey): readonly string[] {
  return [key.tenantId, key.realmId, key.mailId];
}

interface ClaimedRow {
  readonly kind: MailKind;
  readonly identity_id: string | null;
  readonly about_id: string;
  readonly state: MailState;
  readonly content_sealed: Buffer;
  readonly source: {
    readonly actor: EventActor;
    readonly traceId: string;
    readonly atMs: number;
    readonly correlationId?: string;
  };
  readonly attempts: number;
  readonly expires_at: number;
  readonly tenant_kind: ClaimedMail["tenantKind"];
  readonly clock_offset_seconds: number;
}

function toClaimed(key: OutgoingMailKey, untyped: Row): ClaimedMail {
  const row = untyped as unknown as ClaimedRow;
  return {
    key,
    kind: row.kind,
    identityId: row.identity_id ?? undefined,
    aboutId: row.about_id,
    contentSealed: row.content_sealed,
    source: { ...row.source, traceId: Buffer.from(row.source.traceId, "hex") },
    expiresAt: row.expires_at,
    attempts: row.attempts,
    tenantKind: row.tenant_kind,
    clockOffsetSeconds: row.clock_offset_seconds,
  };
}
