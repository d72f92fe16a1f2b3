import { Type } from "typebox";
import { notFound } from "../../http/management-error.ts";
import { parseTraceId, receivedAtMs } from "../../http/trace-id.ts";
import { formatInstant } from "../../platform/clock.ts";
import { realmOf } from "../call.ts";
import { reads } from "../operations.ts";
import { listGrantedDecisions } from "../token/queries.ts";
import { listDecisions } from "./queries.ts";

/** One decision about a request. */
const Decision = Type.Object(
  {
    kind: Type.String(),
    outcome: Type.String(),
    application_id: Type.Optional(Type.String()),
    /** real time */
    time: Type.String({ format: "date-time" }),
    /** seconds of the tenant's time */
    issued_at: Type.Optional(Type.Integer()),
    token_id: Type.Optional(Type.String()),
    grant_type: Type.Optional(Type.String()),
    facts: Type.Unknown(),
  },
  { additionalProperties: false },
);
const DecisionsAnswer = Type.Object(
  { trace_id: Type.String({ pattern: "^[0-9a-f]{32}$" }), decisions: Type.Array(Decision) },
  { additionalProperties: false },
);

/** What was decided about one request, and why (specification section 5). */
export const DECISION_OPERATIONS = [
  reads(
    {
      name: "GetDecision",
      method: "GET",
      path: "/v1/tenants/{tenant}/realms/{realm}/decisions/{trace}",
      tag: "Events",
      summary: "Tells what was decided about the request of a trace id, and why.",
      scopes: ["events:read"],
      outlivesRealm: true,
      answer: DecisionsAnswer,
    },
    async ({ request, caller, db, decisions: recorder }) => {
      const realm = realmOf({ request, caller });
      const { trace = "" } = request.parameters;
      const traceId = parseTraceId(trace);
      if (traceId === undefined) throw notFound("Decision", trace);
      // What this node holds back to write in groups must be seen by who asks right after the refusal.
      await recorder.flush();
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
          time: formatInstant(receivedAtMs(traceId)), // real time, as with refusals; issued_at is tenant time
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
      return { value: { trace_id: trace, decisions } };
    },
  ),
] as const;
