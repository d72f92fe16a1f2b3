/** A port for a server of tests or benchmarks whose address must be known before it listens. */
import { once } from "node:events";
import { createServer } from "node:net";

/** @returns {Promise<number>} a port of loopback that was free a moment ago */
export async function findFreePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
