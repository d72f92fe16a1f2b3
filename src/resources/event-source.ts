import type { Caller } from "../http/caller.ts";
import { callerOf, type HttpRequest } from "../http/route.ts";
import type { Clock } from "../platform/clock.ts";
import type { EventActor, NewEvent } from "./event/queries.ts";

/** Who does something, in which request and when. */
export type EventSource = Pick<NewEvent, "actor" | "traceId" | "atMs" | "correlationId">;

/** The caller of a management request as events name it. */
export function actorOf({ identityId, applicationId }: Pick<Caller, "identityId" | "applicationId">): EventActor {
  return identityId === undefined ? { type: "Application", id: applicationId } : { type: "Identity", id: identityId };
}

/** The source of the events of a management request: its caller. */
export function eventSourceOf(clock: Pick<Clock, "nowMs">, request: HttpRequest): EventSource {
  return {
    actor: actorOf(callerOf(request)),
    traceId: request.traceId,
    atMs: clock.nowMs(),
    correlationId: request.correlationId,
  };
}
