import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { revocationFeedsJob } from "../../src/jobs/revocation-feeds.ts";
import { issueTo, makeApi, revokeFor } from "../support/feed-audience.ts";
import { type FeedListener, feedNameOf, feedUrl, listenToFeed } from "../support/feed-listener.ts";
import { keepJob } from "../support/leased-job.ts";
import { movableClock } from "../support/movable-clock.ts";
import { type TestClient, testClient } from "../support/test-client.ts";
import { type TestServer, testServer } from "../support/test-server.ts";
import { testTenant } from "../support/test-tenant.ts";

const DAY = 86_400;

describe("feeds that nobody listens to", () => {
  const clock = movableClock();
  let server: TestServer;
  before(async () => {
    server = await testServer({ clock });
    await keepJob(server, revocationFeedsJob);
  });
  after(() => server.stop());

  const count = async ({ tenant }: TestClient, table: string): Promise<number> => {
    const text = `SELECT count(*)::integer AS n FROM ${table} WHERE tenant_id = $1`;
    const [row] = await server.deps.database.maintain((session) => session.query(text, [tenant.tenantId]));
    return Number(row?.n);
  };

  /** Listens until everything was told, and goes away. */
  async function listenOnce(client: TestClient, authorization: string): Promise<FeedListener> {
    const url = feedUrl(client.tenant, client.resourceServer.settings.identifier);
    const listener = await listenToFeed(url, { authorization });
    await listener.settled();
    listener.close();
    return listener;
  }

  const endsOf = ({ events }: FeedListener) =>
    events.filter(({ event }) => event === "end").map(({ data }) => data.jti_sha256);

  test("a realm without a feed notes nothing", async () => {
    const client = await testClient({ tenant: await testTenant({ server }) });
    await revokeFor(client, await issueTo(client));
    assert.deepEqual([await count(client, "revocation_causes"), await count(client, "revocations")], [0, 0]);
  });

  test("a job numbers what ends, forgets it when the token's exp is over, and gives the feed up after a week", async () => {
    const client = await testClient({ tenant: await testTenant({ server }) });
    const { authorization } = await makeApi(client);
    const before = await listenOnce(client, authorization);
    const [token, second] = [await issueTo(client), await issueTo(client)];
    await revokeFor(client, token);
    await revocationFeedsJob.run(server.deps);
    assert.equal(await count(client, "revocations"), 1);
    const again = await listenOnce(client, authorization);
    assert.deepEqual(endsOf(again), [feedNameOf(token)]);
    assert.equal(again.events[0]?.id.split("-")[0], before.events[0]?.id.split("-")[0], "it is the same feed");
    clock.pass(DAY + 299); // its exp, and what late clocks may add
    await revocationFeedsJob.run(server.deps);
    assert.equal(await count(client, "revocations"), 1);
    clock.pass(2);
    await revocationFeedsJob.run(server.deps);
    assert.equal(await count(client, "revocations"), 0);
    await revokeFor(client, second);
    clock.pass(7 * DAY);
    await revocationFeedsJob.run(server.deps);
    assert.deepEqual(
      [
        await count(client, "revocation_feeds"),
        await count(client, "revocation_causes"),
        await count(client, "feed_connections"),
      ],
      [0, 0, 0],
    );
    const anew = await listenOnce(client, authorization);
    assert.notEqual(anew.events[0]?.id.split("-")[0], before.events[0]?.id.split("-")[0]);
    assert.deepEqual(endsOf(anew), []);
  });

  test("a token that was recorded while its application ended is found by a second look", async () => {
    const client = await testClient({ tenant: await testTenant({ server }) });
    const { authorization } = await makeApi(client);
    await listenOnce(client, authorization);
    const late = await issueTo(client);
    clock.pass(40); // as if its request had come slowly, and been recorded just now
    const { database } = server.deps;
    const set = (validAfter: number) =>
      database.maintain((session) =>
        session.query("UPDATE applications SET tokens_valid_after = $3 WHERE tenant_id = $1 AND application_id = $2", [
          client.tenant.tenantId,
          client.application.key.applicationId,
          validAfter,
        ]),
      );
    // As if the first look had not seen it: nothing is told of a token that is alive.
    await set(1);
    await revocationFeedsJob.run(server.deps);
    await database.maintain((session) => session.query("ALTER TABLE applications DISABLE TRIGGER note_end; SELECT 1"));
    await set(clock.nowSeconds() + 1);
    await database.maintain((session) => session.query("ALTER TABLE applications ENABLE TRIGGER note_end; SELECT 1"));
    await revocationFeedsJob.run(server.deps);
    assert.equal(await count(client, "revocations"), 0);
    clock.pass(11);
    assert.deepEqual(endsOf(await listenOnce(client, authorization)), [feedNameOf(late)]);
  });
});
