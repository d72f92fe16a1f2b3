import assert from "node:assert/strict";
import { test } from "node:test";
import { issueTo, makeApi, revokeFor } from "../support/feed-audience.ts";
import { feedNameOf, feedUrl, listenToFeed } from "../support/feed-listener.ts";
import { nodeBeside } from "../support/node-beside.ts";
import { testClient } from "../support/test-client.ts";
import { testServer } from "../support/test-server.ts";
import { testTenant } from "../support/test-tenant.ts";
import { waitUntil } from "../support/wait-until.ts";

// Rule 29: whichever node revokes, and however many do at once, each subscriber of each node hears of each token once, in one order.

const REVOCATIONS = 200;
const AT_ONCE = 20;
const PATIENCE = { everyMs: 20, msMax: 30_000 };

test(`${REVOCATIONS} tokens revoked at two nodes at once are told once each, in the same order at both`, async (t) => {
  const first = await testServer();
  const second = await nodeBeside(first);
  t.after(async () => {
    if (second !== first) await second.stop();
    await first.stop();
  });
  const client = await testClient({ tenant: await testTenant({ server: first }) });
  const { authorization } = await makeApi(client);
  const at = [first, second].map(({ url }) => {
    const issuer = client.application.issuer.replace(first.url, url);
    return { ...client, application: { ...client.application, issuer } };
  });
  const url = feedUrl(client.tenant, client.resourceServer.settings.identifier);
  const listeners = await Promise.all(
    [first, second].map((server) => listenToFeed(url.replace(first.url, server.url), { authorization })),
  );
  for (const listener of listeners) t.after(listener.close);
  const tokens = await Promise.all(Array.from({ length: REVOCATIONS }, () => issueTo(client)));
  for (let from = 0; from < REVOCATIONS; from += AT_ONCE) {
    const some = tokens.slice(from, from + AT_ONCE);
    await Promise.all(some.map((token, n) => revokeFor(at[n % 2] ?? client, token)));
  }
  const orders = await Promise.all(
    listeners.map(async ({ events }) => {
      const ends = () => events.filter(({ event }) => event === "end");
      await waitUntil(() => ends().length >= REVOCATIONS, "not all ends are told", PATIENCE);
      for (const [n, { data }] of events.slice(1).entries()) assert.equal(data.previous, events[n]?.id, "a gap");
      assert.deepEqual(
        ends().map(({ id }) => Number(id.split("-")[1])),
        Array.from({ length: REVOCATIONS }, (_, n) => n + 1),
      );
      return ends().map(({ data }) => data.jti_sha256);
    }),
  );
  assert.deepEqual(orders[0], orders[1]);
  assert.deepEqual(new Set(orders[0]), new Set(tokens.map(feedNameOf)));
});
