import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { ConfigError, readConfig } from "../config.ts";
import { listen, mainPlaceOf, operationsPlaceOf } from "./listen.ts";

function newListener() {
  const server = createServer();
  const start = ({ host, port }: { host: string; port: number }) => once(server.listen(port, host), "listening");
  return { server, listener: { listen: start } };
}

async function refusalOf(environment: Readonly<Record<string, string>>, isMain: boolean): Promise<string> {
  const config = readConfig({ MAYFLY_PORT: "0", MAYFLY_OPS_PORT: "0", ...environment });
  const place = isMain ? mainPlaceOf(config) : operationsPlaceOf(config);
  const refusal = await listen(newListener().listener, place).catch((error: unknown) => error);
  assert.ok(refusal instanceof ConfigError, String(refusal));
  return refusal.message;
}

test("a port that is taken and an address of another machine are refused by the setting's name, with what to do", async (t) => {
  const { server, listener } = newListener();
  await listen(listener, mainPlaceOf(readConfig({ MAYFLY_PORT: "0" })));
  t.after(() => server.close());
  const address = server.address();
  const port = String(typeof address === "object" ? address?.port : "");
  const taken = `is ${port}, where something listens already; end that, or set another port (EADDRINUSE)`;
  assert.equal(await refusalOf({ MAYFLY_PORT: port }, true), `MAYFLY_PORT ${taken}`);
  assert.equal(await refusalOf({ MAYFLY_OPS_PORT: port }, false), `MAYFLY_OPS_PORT ${taken}`);
  const foreign = "192.0.2.1"; // RFC 5737: for documentation, nobody's own
  assert.match(await refusalOf({ MAYFLY_HOST: foreign }, true), /^MAYFLY_HOST is 192\.0\.2\.1, which is no address of/);
  assert.match(await refusalOf({ MAYFLY_OPS_HOST: foreign }, false), /^MAYFLY_OPS_HOST is 192\.0\.2\.1, which is no/);
});
