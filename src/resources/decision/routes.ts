import type { Deps } from "../../deps.ts";
import { notFound } from "../../http/management-error.ts";
import { type HttpReply, type HttpRequest, jsonReply, type Route, realmKeyOf } from "../../http/route.ts";
import { parseTraceId } from "../../http/trace-id.ts";
import { formatInstant } from "../../platform/clock.ts";
import { listGrantedDecisions } from "../token/queries.ts";
import { listDecisions } from "./queries.ts";
import type { DecisionRecorder } from "./recorder.ts";

/** What was decided about one request, and why (specification section 5). */
export function decisionRoutes(deps: Deps, recorder: DecisionRecorder): readonly Route[] {
  return [
    {
      name: "GetDecision",
      method: "GET",
      path: "/v1/tenants/:tenant/realms/:realm/decisions/:trace",
      kind: "management",
      scopes: ["events:read"],
      handle: (request) => handleGet(deps, recorder, request),
    },
  ];
}

async function handleGet(deps: Deps, recorder: DecisionRecorder, request: HttpRequest): Promise<HttpReply> {
  const realm = realmKeyOf(request);
  const { trace = "" } = request.parameters;
  const traceId = parseTraceId(trace);
  if (realm === undefined || traceId === undefined) throw notFound("Decision", trace);
  // What this node holds back to write in groups must be seen by who asks right after the refusal.
  await recorder.flush();
  const db = deps.database.tenants([realm.tenantId]);
  const [granted, recorded] = await Promise.all([
    listGrantedDecisions(db, realm, traceId),
    listDecisions(db, realm, traceId),
  ]);
  if (granted.length + recorded.length === 0) throw notFound("Decision", trace);
  const decisions = [
    ...granted.map((one) => ({
      kind: "token",
      outcome: "granted",
      application_id: one.applicationId,
      time: formatInstant(traceId.readUIntBE(0, 6)), // real time, as with refusals; issued_at is tenant time
      issued_at: one.issuedAt,
      token_id: one.tokenId,
      grant_type: one.grantType,
      facts: one.decision,
    })),
    ...recorded.map((one) => ({
      kind: one.kind,
      outcome: one.outcome,
      ...(one.applicationId === undefined ? {} : { application_id: one.applicationId }),
      time: formatInstant(one.recordedAtMs),
      facts: one.facts,
    })),
  ];
  return jsonReply(200, { trace_id: trace, decisions });
}
