import { collectCeilings, decideLifetime, type LifetimeGranted, lifetimeRecord } from "../../src/protocol/lifetime.ts";

/** What an application of the benchmarks grants. */
export const LIFETIME_SECONDS = 3600;

/** A lifetime as `issue.ts` decides it for a request without `expiration_time`. */
export function grantedLifetime(now: number): LifetimeGranted {
  const verdict = decideLifetime({
    requested: undefined,
    ceilings: collectCeilings({ applicationSeconds: LIFETIME_SECONDS, grantedScopes: ["bench:read"], now }),
    floorSeconds: 1,
    overLimit: "reject",
    now,
  });
  if (verdict.outcome !== "granted") throw new Error("an hour is refused");
  return verdict;
}

/** The ledger of a lifetime, as it is stored with its token. */
export function ledgerOf(now: number): Readonly<Record<string, unknown>> {
  return { lifetime: lifetimeRecord(grantedLifetime(now)), scopes_dropped: [] };
}
