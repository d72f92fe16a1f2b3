import { AsyncLocalStorage } from "node:async_hooks";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyInstance } from "fastify";
import type { Log } from "../platform/log.ts";
import { METRICS } from "../platform/metric-table.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { Timers } from "../platform/timers.ts";
import { type Admission, createAdmission } from "./admission.ts";
import { createBodyBudget } from "./body-budget.ts";
import { createBusyReply } from "./busy-reply.ts";
import { OVERLOAD, ServerBusy } from "./errors.ts";
import { createRefusedConnections, type RefusedConnections } from "./refused-connections.ts";
import type { Route } from "./route.ts";

const LOG_EVERY_MS = 1_000;

/** What a door needs of the server that it stands before. */
export interface Door {
  readonly routes: readonly Route[];
  readonly timers: Timers;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly newTraceId: () => string;
  readonly bodyBytesMax: number;
  readonly isLeaving: () => boolean;
}

/** A request that was let in. One whose sender takes his time is set aside: it holds no place until it is there. */
interface Guest {
  state: "new" | "aside" | "working" | "done";
  sinceMs: number;
}

/**
 * Puts an admission before a server's routes: what cannot be answered in time is refused before the framework, its hooks or the
 * body are looked at (decision 0012).
 */
export function admitRequests(server: FastifyInstance, door: Door): void {
  const { timers } = door;
  const admission = createAdmission(timers);
  showAdmission(door.metrics, admission);
  const guests = new WeakMap<IncomingMessage, Guest>();
  const welcome = createTurns(timers, admission);
  const connections = createRefusedConnections(timers);
  const refuse = createRefusal(door, admission, connections);
  const mayReceive = createBodyBudget(door.bodyBytesMax);
  const vital = new Set(door.routes.filter((route) => route.isVital === true).map(({ path }) => path));
  const [handle] = server.server.listeners("request");

  server.server.removeAllListeners("request");
  server.server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const begin = (): void => {
      guests.set(request, welcome());
      handle?.call(server.server, request, response);
    };
    if (vital.has(pathOf(request.url ?? ""))) {
      guests.set(request, { state: "done", sinceMs: 0 });
      handle?.call(server.server, request, response);
    } else if (!mayReceive(request, response)) refuse(request, response);
    else if (connections.hasWaited(request.socket) && admission.turnAway()) refuse(request, response);
    else if (admission.tryBegin()) begin();
    else {
      // It begins when another one ends, and must not be taken for a part of that.
      const apart = AsyncLocalStorage.snapshot();
      const refuseThis = (): void => refuse(request, response);
      const visitor = { begin: () => apart(begin), refuse: refuseThis, isGone: () => request.socket.destroyed };
      if (!admission.tryWait(visitor)) refuseThis();
    }
  });
  // Its body is there, so its work begins; who was set aside meanwhile needs a place now.
  server.addHook("preValidation", (request, _reply, done) => {
    const guest = guests.get(request.raw) ?? { state: "aside", sinceMs: 0 };
    if (guest.state === "aside") {
      if (!admission.tryBegin()) return done(new ServerBusy());
      guest.sinceMs = timers.nowMs();
      guests.set(request.raw, guest);
    }
    if (guest.state !== "done") guest.state = "working";
    done();
  });
  // Work is over when there is an answer; how fast its client takes it must not matter to others.
  server.addHook("onSend", (request, _reply, payload, done) => {
    done(null, payload);
    const guest = guests.get(request.raw);
    const isInside = guest?.state === "working" || guest?.state === "new";
    if (guest === undefined) return;
    guest.state = "done";
    if (isInside) admission.end(guest.sinceMs);
  });
}

/**
 * Lets guests in, turn of the loop by turn of the loop. What is read in one turn was there when the turn began and has waited since
 * then; whose body is not there when it ends is set aside.
 */
function createTurns(timers: Timers, admission: Admission): () => Guest {
  let guests: Guest[] = [];
  let sinceMs = 0;
  const endTurn = (): void => {
    // A place that comes free here begins a turn of its own.
    const ending = guests;
    guests = [];
    for (const guest of ending) {
      if (guest.state !== "new") continue;
      guest.state = "aside";
      admission.withdraw();
    }
  };
  return () => {
    if (guests.length === 0) {
      sinceMs = timers.nowMs();
      setImmediate(endTurn);
    }
    const guest: Guest = { state: "new", sinceMs };
    guests.push(guest);
    return guest;
  };
}

function createRefusal(
  door: Door,
  admission: Admission,
  connections: RefusedConnections,
): (request: IncomingMessage, response: ServerResponse) => void {
  const replyBusy = createBusyReply(door.routes, door.log);
  const count = door.metrics.counter(METRICS.unavailable).cell(OVERLOAD);
  let untold = 0;
  const tell = (): void => {
    const facts = { refused: untold, under_way: admission.underWay(), limit: admission.limit() };
    door.log.warn(facts, "more requests came than the server can answer");
    untold = 0;
  };
  return (request, response) => {
    if (untold === 0) door.timers.after(LOG_EVERY_MS, tell);
    untold += 1;
    count.add();
    const sinceMs = door.timers.nowMs();
    replyBusy(request, response, { traceId: door.newTraceId(), isLast: door.isLeaving() });
    connections.add(request.socket, sinceMs);
  };
}

function showAdmission(metrics: Metrics, { limit, underWay, waiting }: Admission): void {
  metrics.gauge(METRICS.admissionLimit).cell().read(limit);
  metrics.gauge(METRICS.admissionUnderWay).cell().read(underWay);
  metrics.gauge(METRICS.admissionWaiting).cell().read(waiting);
}

function pathOf(url: string): string {
  const end = url.indexOf("?");
  return end === -1 ? url : url.slice(0, end);
}
