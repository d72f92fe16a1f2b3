/** When a load's requests are to be sent. */
export type DueTimes = {
  /** Whether the next request is due. */
  isDue(): boolean;
  /** Counts the next request as sent and tells since when it was due, in milliseconds of `performance.now()`. */
  take(): number;
};

/** A closed loop: a request is due whenever a connection is free. */
export function closedLoop(): DueTimes {
  return { isDue: () => true, take: () => performance.now() };
}

/**
 * An open loop: so many a second are due, evenly, from now on, whether or not connections are free. Who waits for a free
 * one has been waiting since it was due: a server that stalls cannot make the load stop asking.
 */
export function openLoop(ratePerSecond: number): DueTimes {
  const startedAt = performance.now();
  const interval = 1000 / ratePerSecond;
  let taken = 0;
  const nextAt = () => startedAt + taken * interval;
  return {
    isDue: () => nextAt() <= performance.now(),
    take: () => {
      const dueAt = nextAt();
      taken += 1;
      return dueAt;
    },
  };
}
