import type { FastifyReply } from "fastify";
import type { Refusal } from "./route.ts";

/** How a request ended. */
export interface RequestOutcome {
  readonly status: number;
  readonly refusal: Refusal | undefined;
}

/** The same with the milliseconds that it took. */
export interface TimedOutcome extends RequestOutcome {
  readonly ms: number;
}

/** The number that nginx gives to a client which does not wait for its answer; nobody receives it. */
const ABORTED: RequestOutcome = { status: 499, refusal: { code: "aborted" } };

/**
 * Calls back once when a request is over, answered or not. Fastify's own hook is not called for a client that goes away before its
 * answer.
 */
export function whenOver(reply: FastifyReply, over: (outcome: RequestOutcome) => void): void {
  reply.raw.once("close", () => {
    const { raw, statusCode: status, refusal } = reply;
    over(raw.writableFinished ? { status, refusal } : ABORTED);
  });
}
