import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { createVerifier, type VerifierOptions } from "../../src/verifier/verifier.ts";
import { issueTo } from "../support/feed-audience.ts";
import { call } from "../support/http.ts";
import { listen } from "../support/listen.ts";
import { type TestClient, testClient } from "../support/test-client.ts";
import { sharedServer } from "../support/test-server.ts";
import { testTenant } from "../support/test-tenant.ts";
import { assertRefusedToken } from "../support/verifier-refusals.ts";
import { waitUntil } from "../support/wait-until.ts";

// An issuer that is away: what a verifier knows of its keys, it goes on using.

const run = promisify(execFile);
const KEPT_MS = 300_000;
const KEPT_MS_MAX = 86_400_000;
const REREAD_MS = 30_000;
const PATIENCE = { everyMs: 5, msMax: 20_000 };
const HELLO = 'event: hello\nid: f-0\ndata: {"previous":"f-0","resumed":false}\n\n';
const HEARTBEAT = 'event: heartbeat\nid: f-0\ndata: {"previous":"f-0"}\n\n';
const VERIFIER = new URL("../../src/verifier/verifier.ts", import.meta.url).href;

/** A way to the issuer's keys that a test closes, and the time. */
interface Keys {
  readonly url: string;
  /** how the issuer answers: with its keys, not at all, or that it has none */
  state: "there" | "away" | "gone";
  nowMs: number;
  asked: number;
}

async function keysOf(t: TestContext, { application }: TestClient): Promise<Keys> {
  const { text } = await call(`${application.issuer}/.well-known/jwks.json`);
  const url = await listen(t, (_request, response) => {
    keys.asked += 1;
    if (keys.state === "away") return response.destroy();
    return response.writeHead(keys.state === "there" ? 200 : 404).end(keys.state === "there" ? text : "{}");
  });
  const keys: Keys = { url, state: "there", nowMs: 0, asked: 0 };
  return keys;
}

async function verifierAway(t: TestContext, more: Partial<VerifierOptions> = {}) {
  const client = await testClient({ tenant: await testTenant({ server: await sharedServer() }) });
  const token = await issueTo(client);
  const keys = await keysOf(t, client);
  const failures: Error[] = [];
  const verifier = createVerifier({
    issuer: client.application.issuer,
    audience: client.resourceServer.settings.identifier,
    keysUrl: keys.url,
    monotonicMs: () => keys.nowMs,
    onError: (error) => failures.push(error),
    ...more,
  });
  t.after(verifier.close);
  return { token, keys, verifier, failures };
}

/** The token as if another key had signed it. */
function ofAnotherKey(token: string): string {
  const header = Buffer.from('{"alg":"ES256","typ":"at+jwt","kid":"another"}').toString("base64url");
  return [header, ...token.split(".").slice(1)].join(".");
}

test("a verifier that is ready judges its first token without the issuer", async (t) => {
  const { verifier, keys, token } = await verifierAway(t);
  await verifier.ready;
  keys.state = "away";
  await verifier.verify(token);
  assert.equal(keys.asked, 1);
});

test("it is ready when the issuer is there again", async (t) => {
  const { verifier, keys, token, failures } = await verifierAway(t, {
    onError: (error) => {
      failures.push(error);
      keys.state = "there";
    },
  });
  keys.state = "away";
  await verifier.ready;
  assert.deepEqual([failures.length, keys.asked], [1, 2]);
  await verifier.verify(token);
});

test("keys that have grown old are read again, and used on for a day where the issuer is away", async (t) => {
  const { verifier, keys, token, failures } = await verifierAway(t);
  await verifier.verify(token);
  keys.nowMs = KEPT_MS;
  await verifier.verify(token);
  assert.equal(keys.asked, 1);
  keys.nowMs += 1;
  await verifier.verify(token);
  assert.equal(keys.asked, 2);
  const readAtMs = keys.nowMs;
  keys.state = "away";
  keys.nowMs += KEPT_MS + 1;
  await Promise.all([verifier.verify(token), verifier.verify(token)]);
  await verifier.verify(token);
  assert.deepEqual([keys.asked, failures.length], [3, 1], "who is away is not asked for each token");
  await assertRefusedToken(verifier, ofAnotherKey(token), "unavailable");
  assert.equal(keys.asked, 3);
  keys.nowMs = readAtMs + KEPT_MS_MAX;
  await verifier.verify(token);
  keys.nowMs += 1;
  await assertRefusedToken(verifier, token, "unavailable");
  keys.state = "there";
  await verifier.verify(token);
});

test("a token of an unknown key has the keys read again, though not for each of them", async (t) => {
  const { verifier, keys, token } = await verifierAway(t);
  await verifier.verify(token);
  await assertRefusedToken(verifier, ofAnotherKey(token), "invalid");
  assert.equal(keys.asked, 1);
  keys.nowMs = REREAD_MS + 1;
  await assertRefusedToken(verifier, ofAnotherKey(token), "invalid");
  await assertRefusedToken(verifier, ofAnotherKey(token), "invalid");
  assert.equal(keys.asked, 2);
  keys.nowMs += REREAD_MS + 1;
  keys.state = "away";
  await assertRefusedToken(verifier, ofAnotherKey(token), "unavailable");
  await verifier.verify(token);
});

test("an issuer that says that it has no keys is believed", async (t) => {
  const { verifier, keys, token } = await verifierAway(t);
  await verifier.verify(token);
  keys.state = "gone";
  keys.nowMs = KEPT_MS + 1;
  await assertRefusedToken(verifier, token, "unavailable");
  await assertRefusedToken(verifier, token, "unavailable");
});

test("an issuer that is mistyped is seen at start, by who awaits the verifier", async (t) => {
  const { application } = await testClient({ tenant: await testTenant({ server: await sharedServer() }) });
  const issuer = `${application.issuer}1`;
  const errors: Error[] = [];
  const verifier = createVerifier({
    issuer: [application.issuer, issuer],
    audience: "urn:shoes",
    feed: { url: "http://127.0.0.1:1/", authorization: "Basic x" },
    onError: (error) => errors.push(error),
  });
  t.after(verifier.close);
  // Nobody looks at it yet, and that ends no process.
  const { ready } = verifier;
  await waitUntil(() => errors.length === 1, "the issuer is not asked", PATIENCE);
  await assert.rejects(ready, { message: `${issuer}/.well-known/jwks.json answered 404: it has no keys of an issuer` });
});

test("who refuses when the feed is stale, refuses as soon when only the keys cannot be read again", async (t) => {
  for (const [staleAfterSeconds, whenStale, keptMs] of [
    [10, "refuse", KEPT_MS + 10_000],
    [KEPT_MS_MAX / 1_000, "refuse", KEPT_MS_MAX],
    [10, "accept", KEPT_MS_MAX],
  ] as const) {
    let beat = (): unknown => undefined;
    const url = await listen(t, (_request, response) => {
      beat = () => response.write(HEARTBEAT);
      response.writeHead(200, { "content-type": "text/event-stream" }).write(HELLO + HEARTBEAT);
    });
    const feed = { url, authorization: "Basic x", staleAfterSeconds, whenStale };
    const { verifier, keys, token } = await verifierAway(t, { feed });
    await verifier.ready;
    keys.state = "away";
    keys.nowMs = keptMs;
    beat();
    await waitUntil(() => !verifier.isStale(), "the feed is not heard", PATIENCE);
    await verifier.verify(token);
    keys.nowMs += 1;
    await assertRefusedToken(verifier, token, "unavailable");
    keys.state = "there";
    await verifier.verify(token);
  }
});

test("without feed, and where it goes on when the feed is stale, the issuer may be away; else it is refused", async (t) => {
  for (const whenStale of ["accept", "refuse"] as const) {
    const feed = { url: "http://127.0.0.1:1/", authorization: "Basic x", whenStale };
    const { verifier, keys, token } = await verifierAway(t, { feed });
    const judge = () =>
      whenStale === "accept" ? verifier.verify(token) : assertRefusedToken(verifier, token, "stale");
    await judge();
    keys.state = "away";
    keys.nowMs = KEPT_MS + 1;
    await judge();
  }
});

test("an API that awaits its verifier is not over when the feed cannot be had at first", async (t) => {
  const client = await testClient({ tenant: await testTenant({ server: await sharedServer() }) });
  const keys = await keysOf(t, client);
  let asked = 0;
  const url = await listen(t, (_request, response) => {
    asked += 1;
    if (asked === 1) return response.destroy();
    response.writeHead(200, { "content-type": "text/event-stream" });
    return response.write(HELLO + HEARTBEAT);
  });
  const options = {
    issuer: client.application.issuer,
    audience: "urn:shoes",
    keysUrl: keys.url,
    feed: { url, authorization: "Basic x" },
  };
  const script = `import { createVerifier } from ${JSON.stringify(VERIFIER)};
    const verifier = createVerifier(${JSON.stringify(options)});
    await verifier.ready;
    console.log("ready");
    verifier.close();`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script]);
  assert.deepEqual([stdout, asked], ["ready\n", 2]);
});
