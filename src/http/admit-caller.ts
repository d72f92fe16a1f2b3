import type { FastifyReply } from "fastify";
import { type Caller, demandRealm, demandScopes } from "./caller.ts";
import { checkQueryStrings } from "./json-body.ts";
import type { RateLimiter } from "./rate-limit.ts";
import type { HttpReply, HttpRequest, Route } from "./route.ts";

/** Who may pass to the routes that not everybody may call; `app.ts` installs it. */
export interface Gate {
  /** Finds the caller of a management route, or throws. */
  readonly authenticate: (request: HttpRequest) => Promise<Caller>;
  /** Throws for whoever is not the operator. */
  readonly demandOperator: (request: HttpRequest) => void;
  readonly limiter: RateLimiter;
  /** Told of each failure of a management route before it is answered. */
  readonly noteFailure: (failure: FailedCall) => Promise<void>;
}

/** A call of a management route that failed. */
export interface FailedCall {
  readonly route: Route;
  readonly request: HttpRequest;
  /** undefined where none was found */
  readonly caller: Caller | undefined;
  readonly error: unknown;
}

const refuse = (): never => {
  throw new Error("no route of this listener has a caller");
};

/** The gate of a listener whose routes everybody may call. */
export const NO_CALLERS: Gate = {
  authenticate: refuse,
  demandOperator: refuse,
  limiter: { admit: refuse },
  noteFailure: refuse,
};

/** Answers a request that has no caller yet, or throws. */
export type Answer = (request: HttpRequest, reply: FastifyReply) => Promise<HttpReply>;

/**
 * What a route answers to whoever may pass to it: to a management route with a live token, within its rate, with the route's scopes and
 * realm; to an operator route with the operator's credential. It throws ManagementError 400, 401, 403, 404, 429, and whatever the route
 * throws.
 */
export function admitCallers(gate: Gate, route: Route): Answer {
  switch (route.kind) {
    case "management":
      return (request, reply) => answerCaller(gate, route, request, reply);
    case "operator":
      return (request) => {
        checkQueryStrings(request.query);
        gate.demandOperator(request);
        return route.handle(request);
      };
    default:
      return (request) => route.handle(request);
  }
}

async function answerCaller(gate: Gate, route: Route, request: HttpRequest, reply: FastifyReply): Promise<HttpReply> {
  checkQueryStrings(request.query);
  let caller: Caller | undefined;
  try {
    caller = await gate.authenticate(request);
    // On the reply, so that refusals tell it, too.
    void reply.headers(await gate.limiter.admit(caller));
    demandScopes(caller, route.scopes ?? []);
    demandRealm(caller, request.parameters.realm);
    return await route.handle({ ...request, caller });
  } catch (error) {
    await gate.noteFailure({ route, request, caller, error });
    throw error;
  }
}
