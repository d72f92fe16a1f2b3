import type { IncomingHttpHeaders } from "node:http";

/**
 * What a client may call its request: a UUID, a ULID, the id of a trace or of a job. No more than 42 characters, because every secret that
 * anyone holds here has at least 43 (256 bits in base64url; rule 15): one that is sent as an id is not written down, nor is a part of it.
 */
const CORRELATION_ID = /^[A-Za-z0-9._:/+=-]{1,42}$/;
/** How everything begins that this server makes to be kept secret, and what is left of it where somebody cut it. */
const OWN_PREFIX = "mayfly_";

/** Whether a header's value may name a request, in the log, in events and in answers. */
export function isCorrelationId(value: unknown): value is string {
  return typeof value === "string" && CORRELATION_ID.test(value) && !value.toLowerCase().includes(OWN_PREFIX);
}

/** What a client calls its request by `x-correlation-id`, or by the underscore form that real clients send (reference 2.1). */
export function sentCorrelationId(headers: IncomingHttpHeaders): string | undefined {
  const sent = headers["x-correlation-id"] ?? headers["x-correlation_id"];
  return isCorrelationId(sent) ? sent : undefined;
}
