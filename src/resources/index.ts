import type { Deps } from "../deps.ts";
import type { Route } from "../http/route.ts";
import type { DecisionRecorder } from "./decision/recorder.ts";
import { decisionRoutes } from "./decision/routes.ts";
import { eventRoutes } from "./event-list/routes.ts";
import type { LiveCountRecorder } from "./live-count/recorder.ts";
import { mailRoutes } from "./mail/routes.ts";
import { tenantResourceRoutes } from "./tenant/routes.ts";
import { tokenResourceRoutes } from "./token-list/routes.ts";

/** Every management route. */
export function managementRoutes(
  deps: Deps,
  recorder: DecisionRecorder,
  liveTokens: LiveCountRecorder,
): readonly Route[] {
  return [
    ...tenantResourceRoutes(deps),
    ...tokenResourceRoutes(deps, liveTokens),
    ...decisionRoutes(deps, recorder),
    ...eventRoutes(deps, recorder),
    ...mailRoutes(deps),
  ];
}
