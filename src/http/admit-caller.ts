import type { FastifyReply } from "fastify";
import { type Caller, demandRealm, demandScopes } from "./caller.ts";
import { checkQueryStrings } from "./json-body.ts";
import type { RateLimiter } from "./rate-limit.ts";
import type { HttpRequest, Route } from "./route.ts";

/** Who may pass to the routes that not everybody may call; `app.ts` installs it. */
export interface Gate {
  /** Finds the caller of a management route, or throws. */
  readonly authenticate: (request: HttpRequest) => Promise<Caller>;
  /** Throws for whoever is not the operator. */
  readonly demandOperator: (request: HttpRequest) => void;
  readonly limiter: RateLimiter;
}

const refuse = (): never => {
  throw new Error("no route of this listener has a caller");
};

/** The gate of a listener whose routes everybody may call. */
export const NO_CALLERS: Gate = { authenticate: refuse, demandOperator: refuse, limiter: { admit: refuse } };

/**
 * Lets a request pass to its handler: a management route's with a live token, within its rate, with the route's scopes and realm; an
 * operator route's with the operator's credential.
 *
 * @returns the caller of a management route
 * @throws ManagementError 400, 401, 403, 404, 429
 */
export async function admitCaller(
  gate: Gate,
  route: Route,
  request: HttpRequest,
  reply: FastifyReply,
): Promise<Caller | undefined> {
  if (route.kind !== "management" && route.kind !== "operator") return undefined;
  checkQueryStrings(request.query);
  if (route.kind === "operator") {
    gate.demandOperator(request);
    return undefined;
  }
  const caller = await gate.authenticate(request);
  // On the reply, so that refusals tell it, too.
  void reply.headers(await gate.limiter.admit(caller));
  demandScopes(caller, route.scopes ?? []);
  demandRealm(caller, request.parameters.realm);
  return caller;
}
