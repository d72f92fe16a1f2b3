import type { IncomingMessage, ServerResponse } from "node:http";

/** Bodies up to this size cost about what their connections cost, and those are bounded by number. */
export const SMALL_BODY_BYTES = 8_192;
/** All larger bodies that are being received or worked on, together. */
export const LARGE_BODIES_BYTES_MAX = 67_108_864;

/**
 * Bounds what bodies hold in memory: their senders may take as long as a request may take, and there may be as many as there are
 * connections.
 *
 * @param bodyBytesMax the largest that any route takes; what is larger is refused by its length
 * @returns whether a request's body may be received; if so it counts until the request is answered or its connection ends
 */
export function createBodyBudget(
  bodyBytesMax: number,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  let taken = 0;
  return ({ headers }, response) => {
    const isChunked = headers["transfer-encoding"] !== undefined;
    const bytes = isChunked ? bodyBytesMax : Math.min(Number(headers["content-length"] ?? 0), bodyBytesMax);
    if (bytes <= SMALL_BODY_BYTES) return true;
    if (taken + bytes > LARGE_BODIES_BYTES_MAX) return false;
    taken += bytes;
    response.once("close", () => {
      taken -= bytes;
    });
    return true;
  };
}
