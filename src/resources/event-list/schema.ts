import { type Static, Type } from "typebox";
import { ACTOR_TYPES, EVENT_ACTIONS, EVENT_TYPES, type EventType } from "../event/schema.ts";
import { HexId, ListQueryParts, oneOf } from "../schema-parts.ts";

const EventTypeName = Type.Unsafe<EventType>({ type: "string", enum: Object.keys(EVENT_TYPES) });

/** An event as the management API shows it (reference, section 4). */
export const EventAnswer = Type.Object(
  {
    id: Type.String({ pattern: "^[A-Za-z0-9_-]{32}$" }),
    tenant_id: HexId,
    /** absent for what concerns the tenant as a whole */
    realm_id: Type.Optional(HexId),
    time: Type.String({ format: "date-time" }),
    type: EventTypeName,
    action: Type.Optional(oneOf(EVENT_ACTIONS)),
    outcome: Type.Optional(Type.String()),
    actor: Type.Object({ type: oneOf(ACTOR_TYPES), id: Type.Optional(Type.String()) }, { additionalProperties: false }),
    resource: Type.Optional(Type.Object({ type: Type.String(), id: Type.String() }, { additionalProperties: false })),
    correlation_id: Type.Optional(Type.String()),
    trace_id: Type.String({ pattern: "^[0-9a-f]{32}$" }),
    payload: Type.Record(Type.String(), Type.Unknown()),
  },
  { $id: "Event", additionalProperties: false },
);
export type EventAnswer = Static<typeof EventAnswer>;

/** The query of the list of events. Numbers are read by the list itself: a query is text. */
export const EventListQuery = Type.Object(
  {
    order: Type.Optional(oneOf(["oldest_first", "newest_first"])),
    filter: Type.Optional(Type.String()),
    page_size: ListQueryParts.page_size,
    page_token: ListQueryParts.page_token,
  },
  { additionalProperties: false },
);
export type EventListQuery = Static<typeof EventListQuery>;
