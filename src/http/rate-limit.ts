import type { Clock } from "../platform/clock.ts";
import { METRICS } from "../platform/metric-table.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { Caller } from "./caller.ts";
import { ManagementError } from "./management-error.ts";

const MINUTE_MS = 60_000;
/** Callers that a node remembers; a hundred bytes each. */
const CALLERS_MAX = 10_000;

/** A part of a caller's allowance of a minute, as the nodes' common row gives it. */
export interface LeasedPart {
  /** requests a minute, by all nodes */
  readonly allowed: number;
  /** of this minute, by all nodes, this part included */
  readonly taken: number;
  /** this part; 0 when all is taken */
  readonly granted: number;
}

/** Takes a part of a minute's allowance: at most `wanted` requests, or a first part. Undefined when the caller's tenant is gone. */
export type LeasePart = (
  caller: Caller,
  part: { readonly minute: number; readonly wanted: number | undefined },
) => Promise<LeasedPart | undefined>;

/** What every answer tells of the caller's allowance (reference 2.1). */
export type RateLimitHeaders = Readonly<Record<"ratelimit-limit" | "ratelimit-remaining" | "ratelimit-reset", string>>;

/** Bounds what each application asks of the management API in a minute, together with all other nodes (settled 13). */
export interface RateLimiter {
  /** Counts a request. Throws ManagementError 429 with `Retry-After` when the minute's allowance is used up. */
  admit(caller: Caller): Promise<RateLimitHeaders>;
}

/** What a node holds of a caller's allowance. */
interface Allowance {
  readonly minute: number;
  allowed: number;
  taken: number;
  /** of what this node took, what it has not used */
  left: number;
  /** the last part that it took */
  part: number;
  isSpent: boolean;
  leasing: Promise<void> | undefined;
}

export interface RateLimiterParts {
  readonly clock: Pick<Clock, "nowMs">;
  readonly metrics: Metrics;
  readonly lease: LeasePart;
}

/** A node's limiter. In real time: a tenant whose clock is moved gets nothing by it (rule 26). */
export function createRateLimiter({ clock, metrics, lease }: RateLimiterParts): RateLimiter {
  const kept = new Map<string, Allowance>();
  const leases = metrics.counter(METRICS.allowanceLeases);
  const [granted, spent] = [leases.cell("granted"), leases.cell("spent")];

  function find(name: string, minute: number): Allowance {
    const known = kept.get(name);
    if (known !== undefined && known.minute >= minute) return known;
    const fresh = { minute, allowed: 0, taken: 0, left: 0, part: 0, isSpent: false, leasing: undefined };
    kept.delete(name);
    const oldest = kept.keys().next();
    if (kept.size >= CALLERS_MAX && !oldest.done) kept.delete(oldest.value);
    kept.set(name, fresh);
    return fresh;
  }

  async function take(caller: Caller, allowance: Allowance): Promise<void> {
    // Who asks much takes twice as much each time, up to what the row gives at once.
    const wanted = allowance.part === 0 ? undefined : allowance.part * 2;
    const part = (await lease(caller, { minute: allowance.minute, wanted })) ?? { allowed: 1, taken: 1, granted: 1 };
    allowance.allowed = part.allowed;
    allowance.taken = part.taken;
    allowance.left += part.granted;
    allowance.part = part.granted;
    allowance.isSpent = part.granted === 0;
    (part.granted === 0 ? spent : granted).add();
  }

  return {
    admit: async (caller) => {
      const name = `${caller.tenantId}/${caller.realmId}/${caller.applicationId}`;
      for (;;) {
        const nowMs = clock.nowMs();
        const allowance = find(name, Math.floor(nowMs / MINUTE_MS));
        const reset = Math.max(1, Math.ceil(((allowance.minute + 1) * MINUTE_MS - nowMs) / 1_000));
        if (allowance.left > 0) {
          allowance.left -= 1;
          return headersOf(allowance, reset);
        }
        if (allowance.isSpent) throw tooMany(headersOf(allowance, reset));
        // Requests that come meanwhile wait for the same part.
        allowance.leasing ??= take(caller, allowance).finally(() => {
          allowance.leasing = undefined;
        });
        await allowance.leasing;
      }
    },
  };
}

function headersOf({ allowed, taken, left }: Allowance, reset: number): RateLimitHeaders {
  return {
    "ratelimit-limit": String(allowed),
    "ratelimit-remaining": String(Math.max(0, allowed - taken + left)),
    "ratelimit-reset": String(reset),
  };
}

function tooMany(headers: RateLimitHeaders): ManagementError {
  const message = `this application may send ${headers["ratelimit-limit"]} requests a minute`;
  return new ManagementError("too_many_requests", message, {
    headers: { ...headers, "retry-after": headers["ratelimit-reset"] },
  });
}
