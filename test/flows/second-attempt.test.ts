import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createClock } from "../../src/platform/clock.ts";
import { scrape } from "../support/scrape.ts";
import { changeTokens, type TestClient, testClient } from "../support/test-client.ts";
import { type TestServer, testServer } from "../support/test-server.ts";
import { testTenant } from "../support/test-tenant.ts";

// Whoever was judged by configuration that holds no more is judged again. Here nobody is told of a change and no time passes, so
// that every request stands on the old configuration first.

const ASKED = "mayfly_token_requested_lifetime_seconds";

describe("configuration that nobody hears of", () => {
  let server: TestServer;

  before(async () => {
    const clock = { ...createClock(), monotonicMs: () => 0, follow: () => undefined };
    server = await testServer({ clock });
    for (const table of ["tenants", "realms", "resource_servers", "applications", "signing_keys"]) {
      const text = `ALTER TABLE ${table} DISABLE TRIGGER notify_change`;
      await server.deps.database.maintain((session) => session.query(text));
    }
  });

  after(() => server.stop());

  /** A client that has its token by the configuration it was made with. */
  async function deafClient(): Promise<TestClient> {
    const world = await testClient({ tenant: await testTenant({ server }) });
    const answer = await world.tenant.token(world.application, { grant_type: "client_credentials" });
    assert.equal(answer.status, 200, answer.text);
    return world;
  }

  test("a lifetime is counted once for a request that is tried twice", async () => {
    const world = await deafClient();
    const { tenant, application } = world;
    await changeTokens(world, { expires_after: 7_200 });
    const before = await scrape(tenant.server);
    const answer = await tenant.token(application, { grant_type: "client_credentials", expiration_time: "900" });
    assert.equal(answer.json?.expires_in, 900, answer.text);
    const after = await scrape(tenant.server);
    assert.equal(after.sum(`${ASKED}_count`) - before.sum(`${ASKED}_count`), 1);
  });

  test("requests that wait for the same configuration share its look-up", async () => {
    const world = await deafClient();
    const { tenant, application } = world;
    await changeTokens(world, { expires_after: 7_200 });
    tenant.server.sent.length = 0;
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => tenant.token(application, { grant_type: "client_credentials" })),
    );
    for (const { json, text } of answers) assert.equal(json?.expires_in, 7_200, text);
    const lookUps = tenant.server.sent.filter(({ statement }) => statement.name === "application.find_context");
    assert.equal(lookUps.length, 1);
  });
});
