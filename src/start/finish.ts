import { Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { App } from "../app.ts";
import type { Config } from "../config.ts";
import { KEEP_ALIVE_TIMEOUT_MS } from "../http/server.ts";

type HttpServer = App["main"]["server"];

/** How the clients of listeners that end are given time, in milliseconds. */
export interface Farewell {
  /** still listening, while every answer ends its connection */
  readonly noticeMs: number;
  /** not listening, while connections that idle may still bring a request */
  readonly idleMs: number;
}

const IDLE_CHECK_MS = 50;
const NOTICE_MS_MIN = 250;
/** As long as the slowest request may take; who has not sent his whole request by then is cut off. */
const DRAIN_MS_MAX = 30_000;
/** No farewell takes longer than its own times and this, in milliseconds. */
export const FINISH_MS_MAX = DRAIN_MS_MAX + 1_000;

/** The end of a node: clients and load balancers have this time to learn that it goes. */
export function farewellOfNode(config: Config): Farewell {
  return { noticeMs: Math.max(NOTICE_MS_MIN, config.drainSeconds * 1_000), idleMs: 0 };
}

/**
 * The end of a process whose node goes on. Nobody is told, so no connection may be closed under a request: each is ended by an
 * answer, by its client, or because it idles for as long as any may.
 */
export const RETIREMENT: Farewell = { noticeMs: 0, idleMs: KEEP_ALIVE_TIMEOUT_MS + 3_000 };

/** Ends listeners: requests under way finish. */
export async function finish(servers: readonly HttpServer[], { noticeMs, idleMs }: Farewell): Promise<void> {
  await sleep(noticeMs);
  const ended = Promise.all(servers.map(stopListening));
  await Promise.race([ended, sleep(idleMs, undefined, { ref: false })]);
  // A connection that was busy is kept alive once it is answered, and the end would wait for it.
  const idle = setInterval(() => {
    for (const server of servers) server.closeIdleConnections();
  }, IDLE_CHECK_MS);
  const late = setTimeout(() => {
    for (const server of servers) server.closeAllConnections();
  }, DRAIN_MS_MAX);
  await ended;
  clearInterval(idle);
  clearTimeout(late);
}

// An HTTP server closes idle connections with its listener, perhaps under a request that is on its way; the server below it does not.
function stopListening(server: HttpServer): Promise<void> {
  return new Promise((resolve) => Server.prototype.close.call(server, () => resolve()));
}
