import type { Queryable } from "../../database/database.ts";
import { formatListPageToken } from "../../http/list-page-token.ts";
import { DIRECTORY_PAGE_SIZES, type ListQuery, parseListQuery, refuseFilter } from "../../http/list-query.ts";
import { notFound } from "../../http/management-error.ts";
import { type HttpRequest, headerOf } from "../../http/route.ts";
import { formatInstant } from "../../platform/clock.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import { FilterError } from "../../protocol/scim-filter.ts";
import { decodeId } from "../../protocol/token-id.ts";
import { type ListPage, pageOf, TOTAL_SIZE } from "../answer-parts.ts";
import { type Outcome, realmOf } from "../call.ts";
import { reads } from "../operations.ts";
import { countEvents, type EventTotal, type FoundEvents, findEvent, type ListedEvent, listEvents } from "./queries.ts";
import { EventAnswer, EventListQuery } from "./schema.ts";

const EVENTS = "/v1/tenants/{tenant}/realms/{realm}/events";
const NDJSON = "application/x-ndjson";
/** What later pages keep: the order, and how many there were at the first. */
const KEPT = ["order", "total_size", "is_estimated"];
/** An export tells none. */
const NO_TOTAL: EventTotal = { totalSize: 0, totalIsEstimated: false };
/** An export's page is as large as an answer should be: about a megabyte. */
const EXPORT_PAGE_SIZES = { fallback: 1_000, maximum: 1_000 };

/** What happened in a realm: changes, logins, token requests and refusals (reference, section 4). */
export const EVENT_OPERATIONS = [
  reads(
    {
      name: "ListEvents",
      method: "GET",
      path: EVENTS,
      tag: "Events",
      summary: `Lists what happened in the realm; asked for ${NDJSON}, a thousand events a page, one a line.`,
      scopes: ["events:read"],
      outlivesRealm: true,
      query: EventListQuery,
      answer: pageOf("events", EventAnswer),
      lines: { mediaType: NDJSON, schema: EventAnswer },
      headers: { "x-total-size": TOTAL_SIZE, "x-next-page-token": "of an export: where the next page begins" },
    },
    async (call) => {
      const realm = realmOf(call);
      const isExport = acceptsNdjson(call.request);
      const list = ["events", realm.tenantId, realm.realmId];
      const rules = { list, sizes: isExport ? EXPORT_PAGE_SIZES : DIRECTORY_PAGE_SIZES, kept: KEPT };
      const { database, clock } = call.deps;
      const asked = parseListQuery(call.query, rules, clock.nowSeconds());
      // What this node holds back to write in groups must be seen by who asks right after it happened.
      await call.decisions.flush();
      const page = await readPage(database.recent([realm.tenantId]), realm, { ...asked, isExport });
      return showPage(realm, asked, page, isExport);
    },
  ),
  reads(
    {
      name: "GetEvent",
      method: "GET",
      path: `${EVENTS}/{event}`,
      tag: "Events",
      summary: "Shows an event.",
      scopes: ["events:read"],
      outlivesRealm: true,
      answer: EventAnswer,
    },
    async (call) => {
      const { event: id = "" } = call.request.parameters;
      const realm = realmOf(call);
      if (decodeId(id) === undefined) throw notFound("Event", id);
      await call.decisions.flush();
      const event = await findEvent(call.db, realm, id);
      if (event === undefined) throw notFound("Event", id);
      return { value: answerOf(realm, event) };
    },
  ),
] as const;

function showPage(
  realm: RealmKey,
  asked: ListQuery,
  { events: found, next, total }: Page,
  isExport: boolean,
): Outcome<ListPage<"events", EventAnswer>> {
  const events = found.map((event) => answerOf(realm, event));
  const token = next === undefined ? undefined : nextTokenOf(asked, next, total);
  const ends = { total_size: total.totalSize, ...(token === undefined ? {} : { next_page_token: token }) };
  const value = { events, ...ends };
  if (isExport)
    return { value, lines: events, ...(token === undefined ? {} : { headers: { "x-next-page-token": token } }) };
  return { value, ...(total.totalIsEstimated ? { headers: { "x-total-size": "estimated" } } : {}) };
}

interface Asked extends ListQuery {
  readonly isExport: boolean;
}

interface Page extends FoundEvents {
  readonly total: EventTotal;
}

async function readPage(db: Queryable, realm: RealmKey, asked: Asked): Promise<Page> {
  const { after, pageSize: limit, kept, isExport } = asked;
  const filter = asked.filter?.parsed;
  const order = kept.order === "newest_first" ? "newest_first" : "oldest_first";
  const [found, total] = await Promise.all([
    listEvents(db, realm, { order, after: after === "" ? undefined : after, limit, filter }),
    readTotal(kept) ?? (isExport ? NO_TOTAL : countEvents(db, realm, filter)),
  ]).catch((error: unknown) => {
    throw error instanceof FilterError ? refuseFilter(error) : error;
  });
  return { ...found, total };
}

// Counted on the first page; the page token carries it (settled 13). It is not signed: what it says is the holder's own affair.
function readTotal({ total_size, is_estimated }: ListQuery["kept"]): EventTotal | undefined {
  if (total_size === undefined || !/^\d{1,9}$/.test(total_size)) return undefined;
  return { totalSize: Number(total_size), totalIsEstimated: is_estimated === "true" };
}

function nextTokenOf({ pageSize, filter, kept, place }: ListQuery, after: string, total: EventTotal): string {
  const carried = { total_size: String(total.totalSize), is_estimated: String(total.totalIsEstimated) };
  return formatListPageToken({ after, pageSize, filter: filter?.text, kept: { ...kept, ...carried } }, place);
}

function acceptsNdjson(request: HttpRequest): boolean {
  const ranges = headerOf(request, "accept")?.split(",") ?? [];
  // A weight of 0 says that it is not wanted (RFC 9110 §12.4.2).
  return ranges.some((range) => {
    const isRefused = /;\s*q\s*=\s*0(\.0*)?\s*(;|$)/i.test(range);
    return !isRefused && range.replace(/;.*/, "").trim().toLowerCase() === NDJSON;
  });
}

function answerOf({ tenantId }: RealmKey, event: ListedEvent): EventAnswer {
  const { id, realmId, type, action, outcome, actorType, actorId, resourceType, resourceId, correlationId } = event;
  return {
    id,
    tenant_id: tenantId,
    ...(realmId === "" ? {} : { realm_id: realmId }),
    time: formatInstant(event.recordedAtMs),
    type,
    ...(action === undefined ? {} : { action }),
    ...(outcome === undefined ? {} : { outcome }),
    actor: { type: actorType, ...(actorId === "" ? {} : { id: actorId }) },
    ...(resourceId === "" ? {} : { resource: { type: resourceType, id: resourceId } }),
    ...(correlationId === "" ? {} : { correlation_id: correlationId }),
    trace_id: event.traceId.toString("hex"),
    payload: event.payload,
  };
}
