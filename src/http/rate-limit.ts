import type { Clock } from "../platform/clock.ts";
import { METRICS } from "../platform/metric-table.ts";
import type { Metrics } from "../platform/metrics.ts";
import { type Admission, createAllowances, type LeasedPart, type WantedPart } from "./allowances.ts";
import type { Caller } from "./caller.ts";
import { ManagementError } from "./management-error.ts";

/** Takes a part of a caller's allowance of a minute. Undefined when the caller's tenant is gone. */
export type LeasePart = (caller: Caller, part: WantedPart) => Promise<LeasedPart | undefined>;

/** What every answer tells of the caller's allowance (reference 2.1). */
export type RateLimitHeaders = Readonly<Record<"ratelimit-limit" | "ratelimit-remaining" | "ratelimit-reset", string>>;

/** Bounds what each application asks of the management API in a minute, together with all other nodes (settled 13). */
export interface RateLimiter {
  /** Counts a request. Throws ManagementError 429 with `Retry-After` when the minute's allowance is used up. */
  admit(caller: Caller): Promise<RateLimitHeaders>;
}

export interface RateLimiterParts {
  readonly clock: Pick<Clock, "nowMs">;
  readonly metrics: Metrics;
  readonly lease: LeasePart;
}

/** A node's limiter. */
export function createRateLimiter({ clock, metrics, lease }: RateLimiterParts): RateLimiter {
  const leases = metrics.counter(METRICS.allowanceLeases);
  const [granted, spent] = [leases.cell("granted"), leases.cell("spent")];
  const allowances = createAllowances<Caller>({
    clock,
    nameOf: ({ tenantId, realmId, applicationId }) => `${tenantId}/${realmId}/${applicationId}`,
    lease: async (caller, wanted) => {
      const part = await lease(caller, wanted);
      (part?.granted === 0 ? spent : granted).add();
      return part;
    },
  });
  return {
    admit: async (caller) => {
      const admission = await allowances.take(caller);
      if (!admission.isAdmitted) throw tooMany(headersOf(admission));
      return headersOf(admission);
    },
  };
}

function headersOf({ allowed, remaining, resetSeconds }: Admission): RateLimitHeaders {
  return {
    "ratelimit-limit": String(allowed),
    "ratelimit-remaining": String(remaining),
    "ratelimit-reset": String(resetSeconds),
  };
}

function tooMany(headers: RateLimitHeaders): ManagementError {
  const message = `this application may send ${headers["ratelimit-limit"]} requests a minute`;
  return new ManagementError("too_many_requests", message, {
    headers: { ...headers, "retry-after": headers["ratelimit-reset"] },
  });
}
