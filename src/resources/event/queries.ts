import type { Queryable, Row } from "../../database/database.ts";
import { EVENT_LIFETIME_SECONDS } from "../../database/partitions.ts";
import { hexOf } from "../../database/row-id.ts";
import { statement } from "../../database/statement.ts";
import { bucketFor } from "../../protocol/bucket.ts";
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

const insert = statement(
  "event.insert",
  `INSERT INTO events (tenant_id, realm_id, id, bucket, recorded_at_ms, trace_id, type, action, outcome, actor_type, actor_id, correlation_id,
     resource_type, resource_id, payload)
   SELECT tenant_id, realm_id, id, bucket, recorded_at_ms, trace_id, type, action, outcome, actor_type, actor_id, correlation_id,
     resource_type, resource_id, payload
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
  time.writeUIntBE(atMs, 0, TIME_BYTES);
  const random = Buffer.alloc(3);
  random.writeUIntBE(sequence, 0, random.length);
  return encodeId({ traceId: time, kind: ID_KINDS.event, bucket, random });
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
