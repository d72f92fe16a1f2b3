import type { Deps } from "../../deps.ts";
import { notFound } from "../../http/management-error.ts";
import { formatPageToken, parsePageToken, readPageSize } from "../../http/pagination.ts";
import { parseQueryOf } from "../../http/query.ts";
import { type HttpReply, type HttpRequest, headerOf, jsonReply, type Route, realmKeyOf } from "../../http/route.ts";
import { formatInstant } from "../../platform/clock.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import { decodeId } from "../../protocol/token-id.ts";
import type { DecisionRecorder } from "../decision/recorder.ts";
import { countEvents, type EventPage, findEvent, type ListedEvent, listEvents } from "./queries.ts";
import { type EventAnswer, EventListQuery } from "./schema.ts";

const PATH = "/v1/tenants/:tenant/realms/:realm/events";
const NDJSON = "application/x-ndjson";
const PAGE_SIZES = { fallback: 20, maximum: 200 };
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
  const query = parseQueryOf(request, EventListQuery);
  const order = query.order ?? "oldest_first";
  const isExport = acceptsNdjson(request);
  const sizes = isExport ? EXPORT_PAGE_SIZES : PAGE_SIZES;
  const question = ["events", realm.tenantId, realm.realmId, order];
  const now = deps.clock.nowSeconds();
  const position = query.page_token === undefined ? undefined : parsePageToken(query.page_token, question, now);
  // Page tokens are not signed: what one says of the size is bounded like what a query says.
  const keptSize = Math.max(1, Math.min(position?.pageSize ?? sizes.fallback, sizes.maximum));
  const limit = readPageSize(query.page_size, sizes) ?? keptSize;
  // What this node holds back to write in groups must be seen by who asks right after it happened.
  await recorder.flush();
  const db = deps.database.recent([realm.tenantId]);
  const page: EventPage = { order, after: position?.after, limit };
  const none = { totalSize: 0, totalIsEstimated: false };
  const [{ events, next }, { totalSize, totalIsEstimated }] = await Promise.all([
    listEvents(db, realm, page),
    position ?? (isExport ? none : countEvents(db, realm)),
  ]);
  const nextToken =
    next === undefined
      ? undefined
      : formatPageToken({ after: next, pageSize: limit, totalSize, totalIsEstimated }, question, now);
  const answers = events.map((event) => answerOf(realm, event));
  if (isExport) return ndjsonReply(answers, nextToken);
  const body = {
    events: answers,
    total_size: totalSize,
    ...(nextToken === undefined ? {} : { next_page_token: nextToken }),
  };
  return jsonReply(200, body, totalIsEstimated ? { "x-total-size": "estimated" } : {});
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
