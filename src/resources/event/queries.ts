import type { OwnerSession, Queryable, Row } from "../../database/database.ts";
import { EVENT_LIFETIME_SECONDS } from "../../database/partitions.ts";
import { hexOf } from "../../database/row-id.ts";
import { statement } from "../../database/statement.ts";
import { bucketFor, describeBucket } from "../../protocol/bucket.ts";
import { boundFacts } from "../../protocol/decision-facts.ts";
import { encodeId, ID_KINDS } from "../../protocol/token-id.ts";
import type { EventAction, EventType } from "./schema.ts";

/** Who did it. An operator acts with a credential of the server itself, of no tenant; nobody is known of an anonymous one. */
export type EventActor =
  | { readonly type: "Identity" | "Application" | "Operator"; readonly id: string }
  | { readonly type: "Anonymous" };

/** Something that happened and is never changed any more. */
export interface NewEvent {
  readonly type: EventType;
  readonly action?: EventAction;
  /** one of the outcomes of its type, in capitals */
  readonly outcome?: string;
  /** the realm that it happened in; "" for what concerns the tenant as a whole: the tenant itself, and the making and ending of realms */
  readonly realmId: string;
  readonly actor: EventActor;
  readonly resource?: { readonly type: string; readonly id: string };
  /** names of what changed and the like, bounded when written; never a secret, nor the value of a member that holds one */
  readonly facts?: Readonly<Record<string, unknown>>;
  /** 16 bytes, of the request */
  readonly traceId: Buffer;
  readonly correlationId?: string;
  /** milliseconds of real time, also in a tenant whose clock was moved (rule 26) */
  readonly atMs: number;
}

const TIME_BYTES = 6;
const SEQUENCE_MAX = 2 ** 24;
const CORRELATION_LENGTH_MAX = 200;
/** Longest payload, in characters of its JSON; members that do not fit are left out. */
const PAYLOAD_LENGTH_MAX = 8_192;

/** What an event says, wherever it is stored. */
export const EVENT_COLUMNS = `id, realm_id, recorded_at_ms, trace_id, type, action, outcome, actor_type, actor_id, correlation_id,
     resource_type, resource_id, payload`;

/** The milliseconds that an id or a trace id begins with. */
export function millisecondsIn(id: string): string {
  return `('x' || encode(substring(${id} FROM 1 FOR ${TIME_BYTES}), 'hex'))::bit(48)::bigint`;
}

/** The row `x` of a granted token as the event that it is (settled 6), in the order of the columns: nothing that changes later. */
export const TOKEN_AS_EVENT = `x.id, x.realm_id, ${millisecondsIn("x.id")} AS recorded_at_ms, substring(x.id FROM 1 FOR 16) AS trace_id,
     'TokenRequest'::text AS type, NULL::text AS action, 'ACCEPTED'::text AS outcome,
     CASE WHEN x.identity_id IS NULL THEN 'Application' ELSE 'Identity' END AS actor_type,
     COALESCE(x.identity_id, x.application_id) AS actor_id, x.transaction_id AS correlation_id,
     'Token'::text AS resource_type, translate(encode(x.id, 'base64'), '+/', '-_') AS resource_id,
     x.decision || jsonb_build_object('grant_type', x.grant_type, 'application_id', x.application_id, 'scope', x.scope) AS payload`;

const insert = statement(
  "event.insert",
  `INSERT INTO events (tenant_id, bucket, ${EVENT_COLUMNS})
   SELECT tenant_id, bucket, ${EVENT_COLUMNS}
   FROM json_to_recordset($1::json) AS b(tenant_id text, realm_id text, id bytea, bucket integer, recorded_at_ms bigint, trace_id bytea,
     type text, action text, outcome text, actor_type text, actor_id text, correlation_id text, resource_type text, resource_id text,
     payload jsonb)`,
);

/**
 * The bucket of an event of this instant, in milliseconds of real time: for `insertWithPartitions` around the transaction that records
 * it, should the partition not be there yet.
 */
export function eventBucket(recordedAtMs: number): number {
  return bucketFor(Math.floor(recordedAtMs / 1_000), EVENT_LIFETIME_SECONDS);
}

/** Records events, all in one statement: in the transaction of the change that they tell of, so that neither is without the other. */
export async function insertEvents(db: Queryable, tenantId: string, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  await db.run(insert, [JSON.stringify(events.map((event) => toRow(tenantId, event)))]);
}

function toRow(tenantId: string, event: NewEvent): Row {
  const bucket = eventBucket(event.atMs);
  return {
    tenant_id: tenantId,
    realm_id: event.realmId,
    id: hexOf(Buffer.from(newEventId(event, bucket), "base64url")),
    bucket,
    recorded_at_ms: event.atMs,
    trace_id: hexOf(event.traceId),
    type: event.type,
    action: event.action ?? null,
    outcome: event.outcome ?? null,
    actor_type: event.actor.type,
    actor_id: event.actor.type === "Anonymous" ? "" : event.actor.id,
    correlation_id: event.correlationId?.slice(0, CORRELATION_LENGTH_MAX) ?? "",
    resource_type: event.resource?.type ?? "",
    resource_id: event.resource?.id ?? "",
    payload: boundPayload(event.facts ?? {}),
  };
}

let sequence = 0;

// The shape of every id that expires (token-id.ts), but it begins with the time of the event instead of its request's, so that a list
// by id is one by time; the request's random bytes follow. The last three count, so that the events of one millisecond keep their order.
function newEventId({ traceId, atMs }: NewEvent, bucket: number): string {
  sequence = (sequence + 1) % SEQUENCE_MAX;
  const time = Buffer.from(traceId);
  time.set(timePrefix(atMs));
  const random = Buffer.alloc(3);
  random.writeUIntBE(sequence, 0, random.length);
  return encodeId({ traceId: time, kind: ID_KINDS.event, bucket, random });
}

/** Whether any tenant wants its granted token requests kept (rule 24). */
export async function areTokenRequestsKept(session: OwnerSession): Promise<boolean> {
  return (await session.query(`SELECT 1 FROM tenants WHERE ${KEEPS} LIMIT 1`)).length > 0;
}

const KEEPS = "settings @> '{\"keep_token_requests\": true}' AND deleted_at_ms IS NULL";
const COPIED_AT_ONCE = 5_000;

/** The last row that a copy looked at. */
export interface CopyPosition {
  readonly tenantId: string;
  readonly realmId: string;
  readonly id: Buffer;
}

/**
 * Copies the granted token requests of a partition that is about to be dropped to the events, of those tenants that want it and those
 * requests that are not older than events are kept: at most 5,000 rows are looked at. What was copied before is left as it is.
 *
 * @param partition of `tokens`, as the catalog names it
 * @param now seconds of real time
 * @returns where to go on; undefined at the end
 */
export async function keepTokenRequests(
  session: OwnerSession,
  { partition, after }: { readonly partition: string; readonly after: CopyPosition | undefined },
  now: number,
): Promise<CopyPosition | undefined> {
  const days = keptBuckets(now).map(({ bucket, from, before }) => {
    return { bucket, first: hexOf(timePrefix(from)), before: hexOf(timePrefix(before)) };
  });
  const rows = await session.query(
    `WITH page AS MATERIALIZED (
       SELECT * FROM ${partition} WHERE (tenant_id, realm_id, id) > ($1, $2, $3) ORDER BY tenant_id, realm_id, id LIMIT ${COPIED_AT_ONCE}
     ), kept AS (
       INSERT INTO events (tenant_id, bucket, ${EVENT_COLUMNS})
       SELECT x.tenant_id, b.bucket, ${TOKEN_AS_EVENT}
       FROM page x JOIN json_to_recordset($4::json) AS b(bucket integer, first bytea, before bytea) ON x.id >= b.first AND x.id < b.before
       WHERE x.tenant_id IN (SELECT tenant_id FROM tenants WHERE ${KEEPS})
       ON CONFLICT DO NOTHING
     )
     SELECT tenant_id, realm_id, id FROM page ORDER BY tenant_id DESC, realm_id DESC, id DESC LIMIT 1`,
    [after?.tenantId ?? "", after?.realmId ?? "", after?.id ?? Buffer.alloc(0), JSON.stringify(days)],
  );
  const [last] = rows;
  return last && { tenantId: String(last.tenant_id), realmId: String(last.realm_id), id: last.id as Buffer };
}

/** The buckets of the events that are kept now, and which instants, in milliseconds of real time, each is of: `before` is not. */
export function keptBuckets(
  now: number,
): { readonly bucket: number; readonly from: number; readonly before: number }[] {
  const first = bucketFor(now - EVENT_LIFETIME_SECONDS + 1, EVENT_LIFETIME_SECONDS);
  const last = bucketFor(now, EVENT_LIFETIME_SECONDS);
  return Array.from({ length: last - first + 1 }, (_, step) => {
    const { endsAtSeconds = 0, widthSeconds = 0 } = describeBucket(first + step) ?? {};
    const before = (endsAtSeconds - EVENT_LIFETIME_SECONDS + 1) * 1_000;
    return { bucket: first + step, from: before - widthSeconds * 1_000, before };
  });
}

/** What ids of this instant, in milliseconds of real time, begin with. */
export function timePrefix(atMs: number): Buffer {
  const prefix = Buffer.alloc(TIME_BYTES);
  prefix.writeUIntBE(Math.max(0, atMs), 0, TIME_BYTES);
  return prefix;
}

function boundPayload(facts: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const kept: Record<string, unknown> = {};
  let length = 0;
  for (const [name, value] of Object.entries(boundFacts(facts))) {
    length += name.length + (JSON.stringify(value)?.length ?? 0);
    if (length > PAYLOAD_LENGTH_MAX) return { ...kept, cut: true };
    kept[name] = value;
  }
  return kept;
}
