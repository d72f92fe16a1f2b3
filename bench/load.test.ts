import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runProgram } from "./child-process.ts";
import { requestText } from "./http-request.ts";
import { type LoadPlan, type LoadResult, parseLoadResult } from "./load-plan.ts";
import { VALUE_MARKER } from "./request-template.ts";

/** A load that has not ended by itself by then is ended, and fails its test; its own time is longer. */
const PATIENCE_MS = 30_000;
const SECONDS_MAX = 100;
const PROGRAM = fileURLToPath(new URL("./load.ts", import.meta.url));

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Loads a server of our own; what is said of it is checked against what it saw. */
async function load(handle: Handler, plan: (port: number) => Partial<LoadPlan>): Promise<LoadResult> {
  const server = createServer(handle).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const whole = {
    host: "127.0.0.1",
    port,
    connections: 4,
    warmupSeconds: 0,
    warmupRequestsMax: 0,
    seconds: SECONDS_MAX,
    requestsMax: 100,
    serverPid: process.pid,
    source: { kind: "cycle", requests: [requestText({ path: "/" }, port)] },
    expectedText: "fine",
    ...plan(port),
  };
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    return parseLoadResult(
      await runProgram({ args: [PROGRAM], input: JSON.stringify(whole), core: undefined, signal }),
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test("a load ends at its number of requests, and each is sent once", async () => {
  let seen = 0;
  const result = await load(
    (_request, response) => {
      seen += 1;
      response.end("fine");
    },
    () => ({}),
  );
  assert.equal(seen, 100);
  assert.equal(result.errors, 0);
  assert.ok(result.requests > 90 && result.requests <= 100, `${result.requests} answers before the last was sent`);
});

test("an answer with another status or text is an error, and the first one is told", async () => {
  const result = await load(
    (request, response) => {
      response.statusCode = request.url === "/busy" ? 503 : 200;
      response.end(request.url === "/busy" ? "fine" : "other");
    },
    (port) => ({
      source: { kind: "cycle", requests: ["/busy", "/wrong"].map((path) => requestText({ path }, port)) },
      connections: 1,
    }),
  );
  assert.equal(result.requests, 0);
  assert.equal(result.errors, 100);
  assert.match(result.firstError ?? "", /^HTTP\/1.1 503/);
  assert.ok((result.statuses["503"] ?? 0) >= 49 && (result.statuses["200"] ?? 0) >= 49);
});

test("what answers bring is collected, and sent again where it is a chain", async () => {
  const seen: string[] = [];
  const result = await load(
    (request, response) => {
      seen.push(request.url ?? "");
      response.end(`fine <${String(request.url).slice(1)}x>`);
    },
    (port) => ({
      connections: 2,
      requestsMax: 6,
      source: {
        kind: "chain",
        template: requestText({ path: `/${VALUE_MARKER}` }, port),
        values: ["a", "b"],
        next: { after: "<", before: ">" },
      },
      collect: { after: "<", before: ">" },
    }),
  );
  assert.equal(result.errors, 0);
  assert.equal(seen.length, 6);
  assert.equal(new Set(seen).size, 6);
  assert.deepEqual(result.values.toSorted(), seen.map((path) => `${path.slice(1)}x`).toSorted());
});

test("an open loop asks at its rate, and a stalled server's debt is in the latencies", async () => {
  const result = await load(
    (_request, response) => {
      setTimeout(() => response.end("fine"), 100);
    },
    () => ({ connections: 1, ratePerSecond: 50, requestsMax: 8 }),
  );
  // One connection answers ten a second at most: the seventh, of fifty due a second, was due more than half a second before.
  assert.equal(result.requests, 7, "answers before the last was sent");
  assert.ok(result.p99Milliseconds > 500, `${result.p99Milliseconds} ms`);
});

test("a connection that ends without an answer is an error, not a silence", async () => {
  const result = await load(
    (request) => request.socket.destroy(),
    () => ({ connections: 2, seconds: 0.5 }),
  );
  assert.equal(result.requests, 0);
  assert.equal(result.errors, 2);
  assert.match(result.firstError ?? "", /the connection was closed/);
});
