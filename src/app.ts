import type { FastifyInstance } from "fastify";
import { operatorRoutes } from "./declarative/operator-routes.ts";
import { DECLARATIVE_OPERATIONS } from "./declarative/routes.ts";
import type { Deps } from "./deps.ts";
import { NO_CALLERS } from "./http/admit-caller.ts";
import { createAfterReply } from "./http/after-reply.ts";
import { trustNoOrigin } from "./http/cross-origin.ts";
import { healthRoutes, type NodeView, operationsRoutes, type Readiness } from "./http/health.ts";
import { referenceRoutes } from "./http/openapi/routes.ts";
import { createPlaces } from "./http/places.ts";
import { createRateLimiter } from "./http/rate-limit.ts";
import type { Route } from "./http/route.ts";
import { createServer, type ServerOptions } from "./http/server.ts";
import { createKeyStore } from "./keys/key-store.ts";
import { KEY_OPERATIONS } from "./keys/routes.ts";
import { EMBEDDED_OPERATIONS } from "./login/embedded/operations.ts";
import { loginRoutes } from "./login/index.ts";
import { authenticateCaller } from "./oauth/bearer.ts";
import { createFeedHub } from "./oauth/feed/feed-hub.ts";
import { oauthRoutes } from "./oauth/index.ts";
import { AUTH_OPERATIONS } from "./oauth/operations.ts";
import { createOperatorCheck } from "./oauth/operator.ts";
import { recordManagementRefusals } from "./oauth/record-management-refusals.ts";
import { createServices } from "./oauth/services.ts";
import { createOriginTrust } from "./oauth/trusted-origins.ts";
import { METRICS } from "./platform/metric-table.ts";
import { processTimers, type Timers } from "./platform/timers.ts";
import { createDecisionRecorder } from "./resources/decision/recorder.ts";
import { bindingLinkRoutes, MANAGEMENT_OPERATIONS } from "./resources/index.ts";
import { createLiveCountRecorder } from "./resources/live-count/recorder.ts";
import { takeAllowance } from "./resources/request-allowance/queries.ts";
import { createTokenUsageRecorder } from "./resources/token-usage/recorder.ts";

/** What answers the world: the main listener and the routes that it is made of. */
export interface App {
  readonly main: FastifyInstance;
  readonly routes: readonly Route[];
  /** Resolves when what requests left to be done after their answers, mails, decisions and counts, is done. */
  settled(): Promise<void>;
  /** Stops taking requests, lets those under way finish, and writes what is held back. */
  close(): Promise<void>;
}

/** Every operation of the management API on a tenant: routes, OpenAPI document, typed client and tests read this list. */
export const OPERATIONS = [...MANAGEMENT_OPERATIONS, ...KEY_OPERATIONS, ...DECLARATIVE_OPERATIONS] as const;

export interface AppParts {
  /** opens the operator routes; undefined: there are none */
  readonly operatorToken: string | undefined;
  readonly timers?: Timers | undefined;
  /** what tests see of the answers */
  readonly onAnswer?: ServerOptions["onAnswer"];
}

/** The composition root: the only place that knows every module. */
export function createApp(deps: Deps, readiness: Readiness, parts: AppParts): App {
  const { operatorToken, timers = processTimers, onAnswer } = parts;
  const keptDecisions = createLiveCountRecorder(deps, "decision");
  const decisions = createDecisionRecorder(deps, keptDecisions);
  const liveTokens = createLiveCountRecorder(deps, "token");
  const tokenUsage = createTokenUsageRecorder(deps);
  const feeds = createFeedHub(deps, readiness.isLeaving);
  const services = createServices(deps, createKeyStore(deps), { decisions, liveTokens, tokenUsage, feeds });
  deps.database.watchChanges((tenantId) => {
    for (const cache of [services.contexts, services.directory, services.keys]) cache.forget(tenantId);
  });
  const afterReply = createAfterReply(deps.log);
  const management = { deps, decisions, liveTokens, tokenUsage, afterReply, places: createPlaces(timers) };
  const answered = [
    ...oauthRoutes(services),
    ...loginRoutes({ ...services, ...management, findRealmFacts: services.directory.facts }),
    ...OPERATIONS.flatMap((operation) => operation.bind(management)),
    ...bindingLinkRoutes(deps),
    ...operatorRoutes(deps),
    ...healthRoutes(deps, readiness),
  ];
  const routes = [
    ...answered,
    ...referenceRoutes(deps.config.publicUrl, answered, [...AUTH_OPERATIONS, ...Object.values(EMBEDDED_OPERATIONS)]),
  ];
  const main = createServer(routes, {
    ...optionsOf(deps, readiness),
    tracing: deps.tracing,
    tenantClassOf: services.tenantClasses.of,
    gate: {
      authenticate: (request) => authenticateCaller(services, request),
      demandOperator: createOperatorCheck(operatorToken),
      limiter: createRateLimiter({
        ...deps,
        lease: (caller, part) => takeAllowance(deps.database.tenants([caller.tenantId]), { caller, ...part }),
      }),
      noteFailure: recordManagementRefusals(services),
    },
    isTrustedOrigin: createOriginTrust(services),
    admission: { timers },
    onAnswer,
  });
  const settled = async (): Promise<void> => {
    await afterReply.settled();
    await decisions.flush();
    await Promise.all([keptDecisions.settled(), liveTokens.settled(), tokenUsage.flush()]);
  };
  return {
    main,
    routes,
    settled,
    close: async () => {
      await feeds.close();
      await main.close();
      await afterReply.close();
      await decisions.flush();
      await Promise.all([keptDecisions.flush(), liveTokens.flush(), tokenUsage.flush()]);
    },
  };
}

/** The operators' listener (rule 27): one for a node, whose requests may be answered by several processes. */
export function createOperations(deps: Deps, readiness: Readiness, view: NodeView): FastifyInstance {
  deps.metrics.gauge(METRICS.buildInfo).cell(view.version, process.version, deps.database.kind).set(1);
  return createServer(operationsRoutes(deps, readiness, view), {
    ...optionsOf(deps, readiness),
    tenantClassOf: () => "none",
    gate: NO_CALLERS,
    isTrustedOrigin: trustNoOrigin,
  });
}

function optionsOf({ clock, random, log, metrics, config }: Deps, { isLeaving }: Readiness) {
  return { clock, random, log, metrics, trustedProxies: config.trustedProxies, isLeaving };
}
