import { Type } from "typebox";
import { ManagementError, notFound } from "../../http/management-error.ts";
import { writes } from "../operations.ts";
import { advanceTenantClock } from "./queries.ts";

export { TENANT_SETTINGS_OPERATIONS } from "./settings-operations.ts";

/** Rule 26. */
const ADVANCE_SECONDS_MAX = 31_536_000;
const OFFSET_SECONDS_MAX = 315_360_000;

const ClockAdvance = Type.Object(
  { seconds: Type.Integer({ minimum: 1, maximum: ADVANCE_SECONDS_MAX }) },
  { additionalProperties: false },
);
/** Seconds of the tenant's time. */
const ClockAnswer = Type.Object({ now: Type.Integer() }, { additionalProperties: false });

/** The tenant's own operations. */
export const TENANT_OPERATIONS = [
  writes(
    {
      name: "AdvanceClock",
      method: "POST",
      path: "/v1/tenants/{tenant}/clock:advance",
      tag: "Tenants",
      summary: "Moves a test tenant's clock forward; production tenants refuse.",
      scopes: ["tenants:update"],
      body: ClockAdvance,
      answer: ClockAnswer,
      refusals: ["conflict"],
    },
    async ({ db, body: { seconds }, caller: { tenantId }, deps, nowMs }) => {
      const moved = await advanceTenantClock(db, tenantId, { seconds, offsetMax: OFFSET_SECONDS_MAX }, nowMs);
      if (moved === undefined) throw notFound("Tenant", tenantId);
      if (moved === "production") {
        throw new ManagementError("conflict", "the clock of a production tenant cannot be moved");
      }
      if (moved === "too_far") {
        throw new ManagementError("conflict", "the clock of a tenant can be moved by ten years in all");
      }
      return { value: { now: deps.clock.nowSeconds() + moved } };
    },
  ),
] as const;
