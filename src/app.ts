import type { FastifyInstance } from "fastify";
import type { Deps } from "./deps.ts";
import { healthRoutes, operationsRoutes, type Readiness } from "./http/health.ts";
import type { Route } from "./http/route.ts";
import { createServer } from "./http/server.ts";
import { createKeyStore } from "./keys/key-store.ts";
import { createLogin } from "./login/index.ts";
import { authenticateCaller } from "./oauth/bearer.ts";
import { oauthRoutes } from "./oauth/index.ts";
import { createServices } from "./oauth/services.ts";
import { METRICS } from "./platform/metric-table.ts";
import { createDecisionRecorder } from "./resources/decision/recorder.ts";
import { managementRoutes } from "./resources/index.ts";
import { createLiveCountRecorder } from "./resources/live-count/recorder.ts";

/** A running server's parts: the main listener, the operators' listener, and the routes that both are made of. */
export interface App {
  readonly main: FastifyInstance;
  readonly operations: FastifyInstance;
  readonly routes: readonly Route[];
  /** Resolves when what requests left to be done after their answers, mails, decisions and counts, is done. */
  settled(): Promise<void>;
  /** Stops taking requests, lets those under way finish, and writes what is held back. */
  close(): Promise<void>;
}

/** The composition root: the only place that knows every module. */
export function createApp(deps: Deps, readiness: Readiness, version: string): App {
  const decisions = createDecisionRecorder(deps);
  const liveTokens = createLiveCountRecorder(deps, "token");
  deps.metrics.gauge(METRICS.buildInfo).cell(version, process.version, deps.database.kind).set(1);
  const services = createServices(deps, createKeyStore(deps), { decisions, liveTokens });
  const login = createLogin(deps, decisions);
  const routes = [
    ...oauthRoutes(services),
    ...login.routes,
    ...managementRoutes(deps, decisions, liveTokens),
    ...healthRoutes(deps, readiness),
  ];
  const options = {
    clock: deps.clock,
    random: deps.random,
    log: deps.log,
    metrics: deps.metrics,
    tenantClassOf: services.tenantClasses.of,
    trustedProxies: deps.config.trustedProxies,
    isDraining: readiness.isDraining,
    authenticate: authenticateCaller.bind(undefined, services),
  };
  const main = createServer(routes, options);
  const operations = createServer(operationsRoutes(deps, readiness, version), options);
  const settled = async (): Promise<void> => {
    await login.settled();
    await Promise.all([decisions.flush(), liveTokens.settled()]);
  };
  return {
    main,
    operations,
    routes,
    settled,
    close: async () => {
      await Promise.all([main.close(), operations.close()]);
      await login.settled();
      await Promise.all([decisions.flush(), liveTokens.flush()]);
    },
  };
}
