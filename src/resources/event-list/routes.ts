import type { Queryable } from "../../database/database.ts";
import type { Deps } from "../../deps.ts";
import { formatListPageToken } from "../../http/list-page-token.ts";
import { DIRECTORY_PAGE_SIZES, type ListQuery, parseListQuery, refuseFilter } from "../../http/list-query.ts";
import { notFound } from "../../http/management-error.ts";
import { parseQueryOf } from "../../http/query.ts";
import { type HttpReply, type HttpRequest, headerOf, jsonReply, type Route, realmKeyOf } from "../../http/route.ts";
import { formatInstant } from "../../platform/clock.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import { FilterError } from "../../protocol/scim-filter.ts";
import { decodeId } from "../../protocol/token-id.ts";
import type { DecisionRecorder } from "../decision/recorder.ts";
import { countEvents, type EventTotal, type FoundEvents, findEvent, type ListedEvent, listEvents } from "./queries.ts";
import { type EventAnswer, EventListQuery } from "./schema.ts";

const PATH = "/v1/tenants/:tenant/realms/:realm/events";
const NDJSON = "application/x-ndjson";
/** What later pages keep: the order, and how many there were at the first. */
const KEPT = ["order", "total_size", "is_estimated"];
/** An export tells none. */
const NO_TOTAL: EventTotal = { totalSize: 0, totalIsEstimated: false };
/** An export's page is as large as an answer should be: about a megabyte. */
const EXPORT_PAGE_SIZES = { fallback: 1_000, maximum: 1_000 };

/** What happened in a realm: changes, logins, token requests and refusals (reference, section 4). */
export function eventRoutes(deps: Deps, recorder: DecisionRecorder): readonly Route[] {
  return [
    {
      name: "ListEvents",
      method: "GET",
      path: PATH,
      kind: "management",
      scopes: ["events:read"],
      schema: { querystring: EventListQuery },
      handle: (request) => handleList({ deps, recorder }, request),
    },
    {
      name: "GetEvent",
      method: "GET",
      path: `${PATH}/:event`,
      kind: "management",
      scopes: ["events:read"],
      handle: (request) => handleGet({ deps, recorder }, request),
    },
  ];
}

interface Parts {
  readonly deps: Deps;
  readonly recorder: DecisionRecorder;
}

async function handleList({ deps, recorder }: Parts, request: HttpRequest): Promise<HttpReply> {
  const realm = realmKeyOf(request);
  if (realm === undefined) throw notFound("Realm", request.parameters.realm ?? "");
  const isExport = acceptsNdjson(request);
  const list = ["events", realm.tenantId, realm.realmId];
  const rules = { list, sizes: isExport ? EXPORT_PAGE_SIZES : DIRECTORY_PAGE_SIZES, kept: KEPT };
  const asked = parseListQuery(parseQueryOf(request, EventListQuery), rules, deps.clock.nowSeconds());
  // What this node holds back to write in groups must be seen by who asks right after it happened.
  await recorder.flush();
  const { events, next, total } = await readPage(deps.database.recent([realm.tenantId]), realm, { ...asked, isExport });
  const answers = events.map((event) => answerOf(realm, event));
  const token = next === undefined ? undefined : nextTokenOf(asked, next, total);
  if (isExport) return ndjsonReply(answers, token);
  const body = {
    events: answers,
    total_size: total.totalSize,
    ...(token === undefined ? {} : { next_page_token: token }),
  };
  return jsonReply(200, body, total.totalIsEstimated ? { "x-total-size": "estimated" } : {});
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
  return ranges.some((range) => range.replace(/;.*/, "").trim().toLowerCase() === NDJSON);
}

function ndjsonReply(events: readonly EventAnswer[], nextToken: string | undefined): HttpReply {
  return {
    status: 200,
    headers: {
      "content-type": `${NDJSON}; charset=utf-8`,
      "cache-control": "no-store",
      ...(nextToken === undefined ? {} : { "x-next-page-token": nextToken }),
    },
    body: events.map((event) => `${JSON.stringify(event)}\n`).join(""),
  };
}

async function handleGet({ deps, recorder }: Parts, request: HttpRequest): Promise<HttpReply> {
  const { event: id = "" } = request.parameters;
  const realm = realmKeyOf(request);
  if (realm === undefined || decodeId(id) === undefined) throw notFound("Event", id);
  await recorder.flush();
  const event = await findEvent(deps.database.tenants([realm.tenantId]), realm, id);
  if (event === undefined) throw notFound("Event", id);
  return jsonReply(200, answerOf(realm, event));
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
