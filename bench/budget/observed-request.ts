import { EventEmitter } from "node:events";
import fastify from "fastify";
import { observeRequests } from "../../src/http/observe-requests.ts";
import { createClock } from "../../src/platform/clock.ts";
import { createLog, type LogLevel } from "../../src/platform/log.ts";
import type { Metrics } from "../../src/platform/metrics.ts";

const clock = createClock();

const PATH = "/v1/tenants/:tenant/realms/:realm/applications/:application/token";

type Hook = (request: unknown, reply: unknown, done: () => void) => unknown;

/**
 * Answers one request and returns what runs the observer's hooks on it once more. The hooks take a few microseconds, the way
 * through the framework sixty: measured whole, they would be lost in its noise.
 */
export async function observedRequest(level: LogLevel, metrics: Metrics): Promise<() => void> {
  const server = fastify();
  const hooks: Hook[] = [];
  const watched = new Proxy(server, {
    get: (target, name) => {
      if (name !== "addHook") return Reflect.get(target, name);
      return (_event: string, hook: Hook) => hooks.push(hook);
    },
  });
  observeRequests(watched, { clock, log: createLog(level), metrics, tenantClassOf: () => "production" });
  let answered: { request: unknown; reply: object } | undefined;
  server.post(PATH, { config: { routeName: "token" } }, (request, reply) => {
    answered = { request, reply };
    return reply.send("{}");
  });
  await server.inject({ method: "POST", url: PATH.replaceAll(":", "") });
  if (answered === undefined || hooks.length === 0) throw new Error("there is nothing to observe");
  const { request } = answered;
  const raw = Object.assign(new EventEmitter(), { writableFinished: true });
  const reply: unknown = Object.create(answered.reply, { raw: { value: raw } });
  return () => {
    for (const hook of hooks) hook(request, reply, () => undefined);
    raw.emit("close"); // the end of a request
  };
}
