/**
 * The one clock of a process. Real time decides buckets, purge, leases, retries and logs; what a token says is decided in
 * tenant time, which callers make by adding a tenant's offset (specification section 6, rule 14).
 */
export interface Clock {
  /** Real time in whole milliseconds since 1970. */
  nowMs(): number;
  /** Real time in whole seconds since 1970, rounded down. */
  nowSeconds(): number;
  /** A monotonic reading in milliseconds, for measuring how long something took. */
  monotonicMs(): number;
  /** Tells the clock what the database's clock said (milliseconds since 1970) at the monotonic instant given. */
  follow(databaseMs: number, atMonotonicMs: number): void;
}

/** A clock that runs on monotonic time from an offset, so that a jump of the machine's wall clock moves nothing. */
export function createClock(): Clock {
  let offsetMs = Date.now() - performance.now();
  return {
    nowMs: () => Math.floor(performance.now() + offsetMs),
    nowSeconds: () => Math.floor((performance.now() + offsetMs) / 1000),
    monotonicMs: () => performance.now(),
    follow: (databaseMs, atMonotonicMs) => {
      offsetMs = databaseMs - atMonotonicMs;
    },
  };
}

/** RFC 3339 in UTC with milliseconds, as the management API prints instants. Takes milliseconds since 1970. */
export function formatInstant(ms: number): string {
  return new Date(ms).toISOString();
}
