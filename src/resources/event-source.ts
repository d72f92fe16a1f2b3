import { callerOf, type HttpRequest } from "../http/route.ts";
import type { Clock } from "../platform/clock.ts";
import type { NewEvent } from "./event/queries.ts";

/** Who does something, in which request and when. */
export type EventSource = Pick<NewEvent, "actor" | "traceId" | "atMs" | "correlationId">;

/** The source of the events of a management request: its caller. */
export function eventSourceOf(clock: Pick<Clock, "nowMs">, request: HttpRequest): EventSource {
  const { identityId, applicationId } = callerOf(request);
  return {
    actor: identityId === undefined ? { type: "Application", id: applicationId } : { type: "Identity", id: identityId },
    traceId: request.traceId,
    atMs: clock.nowMs(),
    correlationId: request.correlationId,
  };
}
