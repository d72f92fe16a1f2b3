import type { Queryable, Row } from "../../database/database.ts";
import { filterAttributes, filterCondition } from "../../database/filter-condition.ts";
import { bucketOf } from "../../database/row-id.ts";
import { composedStatement, statement } from "../../database/statement.ts";
import { receivedAtMs } from "../../http/trace-id.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import type { Filter } from "../../protocol/scim-filter.ts";
import { ID_BYTES, ID_KINDS } from "../../protocol/token-id.ts";
import {
  EVENT_COLUMNS,
  type EventActor,
  eventBucket,
  millisecondsIn,
  TOKEN_AS_EVENT,
  timePrefix,
} from "../event/queries.ts";
import { ACTOR_TYPES, EVENT_ACTIONS, EVENT_TYPES, type EventAction, type EventType } from "../event/schema.ts";
import { DECISION_EVENTS, type DecisionEvent } from "./decision-event.ts";
import { timeBounds } from "./time-bounds.ts";

// Three tables hold events, each written once: changes are in `events`, refusals and logins in `decisions`, and the row of a granted token
// is its token request (settled 6). The ids of all begin with the time, so that one list by id is chronological and each table is read
// in the order of its own primary key.

/** An event, as it is read back. */
export interface ListedEvent {
  /** 32 base64url characters */
  readonly id: string;
  /** "" for what concerns the tenant as a whole */
  readonly realmId: string;
  readonly recordedAtMs: number;
  readonly traceId: Buffer;
  readonly type: EventType;
  readonly action: EventAction | undefined;
  readonly outcome: string | undefined;
  readonly actorType: EventActor["type"];
  readonly actorId: string;
  readonly correlationId: string;
  readonly resourceType: string;
  readonly resourceId: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Most rows of each table, also those that a filter leaves out, that one page and one count look at. */
const LOOKED_AT_MAX = 5_000;

/** A table that holds events. Its rows are `x`. */
interface Source {
  readonly from: string;
  /** the columns of an event, and those of `order` */
  readonly columns: string;
  /** which of its rows are the events of realm $2 of tenant $1 whose ids are between $3 and $4 */
  readonly where: string;
  /** which of them is the event $3, in the bucket that the id names, $4, or that its time leads to, $5 */
  readonly isNamed: string;
  /** the columns of its primary key by which rows come in the order of their events' ids, and their names among `columns` */
  readonly key: readonly string[];
  readonly order: readonly string[];
}

const IN_REALM = "x.tenant_id = $1 AND x.realm_id = $2";
// What concerns the tenant as a whole is shown where the tenant is administered.
const OF_TENANT = `x.tenant_id = $1 AND x.realm_id = ''
      AND EXISTS (SELECT FROM realms r WHERE r.tenant_id = $1 AND r.realm_id = $2 AND r.is_admin)`;
const IS_BETWEEN = "x.id > $3 AND x.id < $4";
const BY_ID = { key: ["x.id"], order: ["id"] } as const;

const CHANGES: Source = {
  from: "events x",
  columns: EVENT_COLUMNS,
  where: `${IN_REALM} AND ${IS_BETWEEN}`,
  isNamed: `${IN_REALM} AND x.id = $3 AND x.bucket = $5`,
  ...BY_ID,
};
const TENANT_CHANGES: Source = {
  ...CHANGES,
  where: `${OF_TENANT} AND ${IS_BETWEEN}`,
  isNamed: `${OF_TENANT} AND x.id = $3 AND x.bucket = $5`,
};
const TOKENS: Source = {
  from: "tokens x",
  columns: TOKEN_AS_EVENT,
  where: `${IN_REALM} AND ${IS_BETWEEN}`,
  isNamed: `${IN_REALM} AND x.id = $3 AND x.bucket = $4`,
  ...BY_ID,
};

const ABOUT = "CASE WHEN x.kind = 'dropped' THEN x.decision->>'kind' ELSE x.kind END";
const KIND_BYTE = `'\\x0${ID_KINDS.decision}'::bytea`;
// A decision's key is a trace id, a bucket and a kind: the id of its event is all three, in the shape of every id that expires.
const DECISION_EVENT_ID = `(x.id || ${KIND_BYTE} || int4send(x.bucket) || convert_to(left(x.kind, 3), 'UTF8'))`;

const DECISIONS: Source = {
  from: "decisions x",
  columns: `${DECISION_EVENT_ID} AS id, x.realm_id, ${millisecondsIn("x.id")} AS recorded_at_ms, x.id AS trace_id,
      ${eventOf(({ type }) => type)} AS type, ${eventOf(({ action }) => action)} AS action, ${eventOf(({ outcome }) => outcome)} AS outcome,
      ${eventOf(({ actor }) => actor ?? "Anonymous")} AS actor_type,
      CASE ${eventOf(({ actor }) => actor)} WHEN 'Application' THEN COALESCE(x.decision->>'application_id', x.application_id)
        WHEN 'Identity' THEN COALESCE(x.decision->>'identity_id', '') ELSE '' END AS actor_id,
      COALESCE(x.decision->>'request_id', '') AS correlation_id,
      CASE WHEN ${ABOUT} NOT IN ('revoke', 'shorten') THEN CASE WHEN x.application_id = '' THEN '' ELSE 'Application' END
        WHEN x.decision ? 'grant_id' THEN 'Grant' WHEN x.decision ? 'token_id' THEN 'Token' ELSE '' END AS resource_type,
      CASE WHEN ${ABOUT} NOT IN ('revoke', 'shorten') THEN x.application_id
        ELSE COALESCE(x.decision->>'grant_id', x.decision->>'token_id', '') END AS resource_id,
      x.decision || jsonb_build_object('decision', x.kind, 'decided', x.outcome) AS payload, x.bucket, x.kind`,
  where: `${IN_REALM} AND x.id >= substring($3 FROM 1 FOR 16) AND x.id <= substring($4 FROM 1 FOR 16)
      AND ${DECISION_EVENT_ID} > $3 AND ${DECISION_EVENT_ID} < $4`,
  isNamed: `${IN_REALM} AND x.id = substring($3 FROM 1 FOR 16) AND x.bucket = $4 AND ${DECISION_EVENT_ID} = $3`,
  key: ["x.id", "x.bucket", "x.kind"],
  order: ["trace_id", "bucket", "kind"],
};

const SOURCES = [CHANGES, TENANT_CHANGES, TOKENS, DECISIONS];

/** A member of the events that decisions are, as SQL. */
function eventOf(read: (event: DecisionEvent) => string | undefined): string {
  const cases = DECISION_EVENTS.map((event) => {
    const decided = event.decided?.map((outcome) => `'${outcome}'`).join(", ");
    const conditions = [
      `${ABOUT} = '${event.kind}'`,
      ...(decided === undefined ? [] : [`x.outcome IN (${decided})`]),
      ...(event.facts ?? []).map((fact) => `x.decision ? '${fact}'`),
    ];
    const value = read(event);
    return `WHEN ${conditions.join(" AND ")} THEN ${value === undefined ? "NULL" : `'${value}'`}`;
  });
  return `CASE ${cases.join(" ")} END`;
}

/** Which way a list goes. */
export type EventOrder = "oldest_first" | "newest_first";

// Of each table the rows that a condition lets through, and, let through or not, the last that is looked at: where more may follow. They
// are read one by one in the order of the primary key, from all partitions at once, and no further than the LIMIT behind asks for.
function matching(source: Source, order: EventOrder, condition: string): string {
  const direction = order === "oldest_first" ? "ASC" : "DESC";
  const by = (columns: readonly string[]): string => columns.map((column) => `${column} ${direction}`).join(", ");
  return `SELECT ${EVENT_COLUMNS}, l.matches, l.is_last FROM (
      SELECT *, row_number() OVER (ORDER BY ${by(source.order)}) AS nth FROM (
        SELECT ${source.columns} FROM ${source.from} WHERE ${source.where} ORDER BY ${by(source.key)} LIMIT ${LOOKED_AT_MAX}) first) x
    CROSS JOIN LATERAL (SELECT (${condition}) AS matches, x.nth = ${LOOKED_AT_MAX} AS is_last OFFSET 0) l
    WHERE l.matches OR l.is_last ORDER BY ${by(source.order)} LIMIT $5`;
}

function listText(order: EventOrder, condition: string): string {
  const parts = SOURCES.map((source) => `(${matching(source, order, condition)})`);
  return `${parts.join(" UNION ALL ")} ORDER BY id ${order === "oldest_first" ? "ASC" : "DESC"} LIMIT $5`;
}

const ATTRIBUTES = filterAttributes({
  type: { type: "enum", sql: "type", values: Object.keys(EVENT_TYPES) },
  action: { type: "enum", sql: "action", values: EVENT_ACTIONS },
  outcome: { type: "text", sql: "outcome" },
  time: { type: "time", sql: "recorded_at_ms" },
  "actor.type": { type: "enum", sql: "actor_type", values: ACTOR_TYPES },
  "actor.id": { type: "exact text", sql: "actor_id" },
  "resource.type": { type: "text", sql: "resource_type" },
  "resource.id": { type: "exact text", sql: "resource_id" },
  correlation_id: { type: "exact text", sql: "correlation_id" },
  trace_id: { type: "exact text", sql: "encode(trace_id, 'hex')" },
});
/** The first parameter of a filter. */
const FILTER_AT = 6;

const composeList = composedStatement("event.list_filtered");
const composeCount = composedStatement("event.count_filtered");
const lists = {
  oldest_first: statement("event.list_oldest", listText("oldest_first", "true")),
  newest_first: statement("event.list_newest", listText("newest_first", "true")),
};

/** Which events of a list come next. */
export interface EventPage {
  readonly order: EventOrder;
  /** the id of the last event before; undefined begins at the first */
  readonly after: string | undefined;
  readonly limit: number;
  readonly filter?: Filter | undefined;
}

/** A page of events. It may be short, or empty, though others follow: so many that a filter leaves out lie between. */
export interface FoundEvents {
  readonly events: readonly ListedEvent[];
  /** where the next page goes on; undefined when nothing can follow */
  readonly next: string | undefined;
}

/**
 * Lists the events of a realm, chronologically; in the realm of the tenant's administration those of the tenant as a whole, too. Throws
 * FilterError for a filter that asks for what events do not have.
 */
export async function listEvents(db: Queryable, realm: RealmKey, page: EventPage): Promise<FoundEvents> {
  const { order, limit, filter } = page;
  const condition = filter && filterCondition(filter, ATTRIBUTES, FILTER_AT);
  const list = condition === undefined ? lists[order] : composeList(listText(order, condition.sql));
  const values = [realm.tenantId, realm.realmId, ...boundsOf(page), limit + 1, ...(condition?.values ?? [])];
  const rows = await db.run(list, values);
  const events: ListedEvent[] = [];
  for (const row of rows) {
    if (events.length === limit) return { events, next: events.at(-1)?.id };
    const event = toListedEvent(row);
    // What is kept of a granted token is there twice until its own row is gone.
    if (row.matches === true && event.id !== events.at(-1)?.id) events.push(event);
    if (row.is_last === true) return { events, next: event.id };
  }
  return { events, next: rows.length > limit ? events.at(-1)?.id : undefined };
}

function boundsOf({ order, after, filter }: Omit<EventPage, "limit">): readonly [Buffer, Buffer] {
  const { afterMs, beforeMs } = timeBounds(filter);
  const lowest = Number.isFinite(afterMs) ? timePrefix(afterMs) : Buffer.alloc(ID_BYTES);
  const highest = Number.isFinite(beforeMs) ? timePrefix(beforeMs) : Buffer.alloc(ID_BYTES, 0xff);
  if (after === undefined) return [lowest, highest];
  const last = Buffer.from(after, "base64url");
  if (order === "oldest_first") return [Buffer.compare(last, lowest) > 0 ? last : lowest, highest];
  return [lowest, Buffer.compare(last, highest) < 0 ? last : highest];
}

const count = statement("event.count", countText("true"));

function countText(condition: string): string {
  const parts = SOURCES.map((source) => `(${matching(source, "newest_first", condition)})`);
  return `SELECT count(*) FILTER (WHERE matches) AS size, COALESCE(bool_or(is_last), false) AS is_cut FROM (${parts.join(" UNION ALL ")}) counted`;
}

/** How many events a list has, or at least has. */
export interface EventTotal {
  readonly totalSize: number;
  readonly totalIsEstimated: boolean;
}

/**
 * Counts the events of a list, as far as a bounded number of rows tells (settled 13): then there are at least so many. Throws FilterError
 * as `listEvents`.
 */
export async function countEvents(db: Queryable, realm: RealmKey, filter?: Filter): Promise<EventTotal> {
  const condition = filter && filterCondition(filter, ATTRIBUTES, FILTER_AT);
  const counting = condition === undefined ? count : composeCount(countText(condition.sql));
  const bounds = boundsOf({ order: "newest_first", after: undefined, filter });
  const values = [realm.tenantId, realm.realmId, ...bounds, LOOKED_AT_MAX, ...(condition?.values ?? [])];
  const [row] = await db.run(counting, values);
  return { totalSize: row?.size as number, totalIsEstimated: row?.is_cut === true };
}

const find = statement(
  "event.find",
  `${SOURCES.map((source) => `(SELECT ${EVENT_COLUMNS} FROM (SELECT ${source.columns} FROM ${source.from} WHERE ${source.isNamed} LIMIT 1) x)`).join(" UNION ALL ")} LIMIT 1`,
);

/** Reads an event that a realm's list has. `id` is the shape of one. */
export async function findEvent(db: Queryable, realm: RealmKey, id: string): Promise<ListedEvent | undefined> {
  const bytes = Buffer.from(id, "base64url");
  const values = [bytes, bucketOf(id), eventBucket(receivedAtMs(bytes))];
  const [row] = await db.run(find, [realm.tenantId, realm.realmId, ...values]);
  return row && toListedEvent(row);
}

function toListedEvent(row: Row): ListedEvent {
  return {
    id: (row.id as Buffer).toString("base64url"),
    realmId: row.realm_id as string,
    recordedAtMs: row.recorded_at_ms as number,
    traceId: row.trace_id as Buffer,
    type: row.type as EventType,
    action: (row.action as EventAction | null) ?? undefined,
    outcome: (row.outcome as string | null) ?? undefined,
    actorType: row.actor_type as EventActor["type"],
    actorId: row.actor_id as string,
    correlationId: row.correlation_id as string,
    resourceType: row.resource_type as string,
    resourceId: row.resource_id as string,
    payload: row.payload as Readonly<Record<string, unknown>>,
  };
}
