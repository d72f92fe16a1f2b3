/** A port for a server of tests or benchmarks whose address must be known before it listens. */
import { once } from "node:events";
import { createServer } from "node:net";

// Below those that a system gives to whoever asks for any port, which a connection may take in the moment before the server listens.
const FIRST = 16_000;
const COUNT = 16_000;
const TRIES_MAX = 100;
/** Each process takes one after the other, from somewhere: two that run at once hardly ever look at one port in the same moment. */
let next = Math.floor(Math.random() * COUNT);

/** @returns {Promise<number>} a port of loopback that was free a moment ago, and that this process was not told of for long */
export async function findFreePort() {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const port = FIRST + (next++ % COUNT);
    if (await isFree(port)) return port;
  }
  throw new Error("no free port");
}

/** @param {number} port */
async function isFree(port) {
  const probe = createServer().listen(port, "127.0.0.1");
  try {
    await once(probe, "listening");
  } catch {
    return false;
  }
  probe.close();
  await once(probe, "close");
  return true;
}
