import { once } from "node:events";
import { createServer } from "node:net";

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

/** A port that was free a moment ago: Mayfly's public URL must name its port before it starts. */
export async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
