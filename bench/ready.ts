const READY_SECONDS_MAX = 2;

/** Whether a Mayfly on that port takes requests. */
export async function isReady(port: number): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(READY_SECONDS_MAX * 1000);
    return (await fetch(`http://127.0.0.1:${port}/health/ready`, { signal })).ok;
  } catch {
    // Not listening yet; the caller asks again until its own limit.
    return false;
  }
}
