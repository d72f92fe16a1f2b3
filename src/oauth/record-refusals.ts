import { type HttpReply, type HttpRequest, realmKeyOf } from "../http/route.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import type { DecisionKind } from "../resources/decision/queries.ts";
import type { Services } from "./services.ts";

type Handle = (request: HttpRequest) => Promise<HttpReply>;

/**
 * Wraps an endpoint so that each refusal leaves a decision under its trace id (specification section 5). What names no realm or
 * application of ours leaves none: strangers would fill tenants that there are not. A refusal that changed something was
 * recorded with that change (rule 24).
 */
export function recordRefusals(services: Services, kind: DecisionKind, handle: Handle): Handle {
  return async (request) => {
    try {
      return await handle(request);
    } catch (error) {
      const realm = realmKeyOf(request);
      const isAbout = realm !== undefined && error instanceof OAuthError && error.status !== 404;
      if (isAbout && error.facts.recorded !== true) {
        services.decisions.record({
          ...realm,
          applicationId: request.parameters.application,
          traceId: request.traceId,
          kind,
          outcome: error.code,
          facts: { detail: error.detail, ...error.facts },
        });
      }
      throw error;
    }
  };
}
