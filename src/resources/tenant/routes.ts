import { Type } from "typebox";
import type { Deps } from "../../deps.ts";
import { ManagementError, notFound } from "../../http/management-error.ts";
import { parseBodyOf } from "../../http/query.ts";
import { type HttpReply, type HttpRequest, jsonReply, type Route } from "../../http/route.ts";
import { advanceTenantClock } from "./queries.ts";

export { TENANT_SETTINGS_OPERATIONS } from "./settings-operations.ts";

/** Rule 26. */
const ADVANCE_SECONDS_MAX = 31_536_000;
const OFFSET_SECONDS_MAX = 315_360_000;

const ClockAdvance = Type.Object(
  { seconds: Type.Integer({ minimum: 1, maximum: ADVANCE_SECONDS_MAX }) },
  { additionalProperties: false },
);

/** The tenant's own routes. */
export function tenantResourceRoutes(deps: Deps): readonly Route[] {
  return [
    {
      name: "AdvanceClock",
      method: "POST",
      path: "/v1/tenants/:tenant/clock::advance",
      kind: "management",
      scopes: ["tenants:update"],
      schema: { body: ClockAdvance },
      handle: (request) => handleAdvance(deps, request),
    },
  ];
}

/** Moves a test tenant's clock; production tenants refuse (specification section 6, rule 26). */
async function handleAdvance(deps: Deps, request: HttpRequest): Promise<HttpReply> {
  const { seconds } = parseBodyOf(request, ClockAdvance);
  const { tenant = "" } = request.parameters;
  const change = { seconds, offsetMax: OFFSET_SECONDS_MAX };
  const moved = await advanceTenantClock(deps.database.tenants([tenant]), tenant, change, deps.clock.nowMs());
  if (moved === undefined) throw notFound("Tenant", tenant);
  if (moved === "production") throw new ManagementError("conflict", "the clock of a production tenant cannot be moved");
  if (moved === "too_far")
    throw new ManagementError("conflict", "the clock of a tenant can be moved by ten years in all");
  return jsonReply(200, { now: deps.clock.nowSeconds() + moved });
}
