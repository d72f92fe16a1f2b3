import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Client } from "pg";
import type { Queryable } from "../../src/database/database.ts";
import { DatabaseUnavailable } from "../../src/database/database-error.ts";
import { testClient } from "../support/test-client.ts";
import { testCodeFlow, tokensOf } from "../support/test-code-flow.ts";
import { databaseSide } from "../support/test-database.ts";
import type { TestServer } from "../support/test-server.ts";
import { CREDENTIALS, exchange } from "../support/token-exchange.ts";
import { waitUntil } from "../support/wait-until.ts";

// Settled 4 (d). The connection of a batch may break while the server still works on its COMMIT: the same batch, sent again, then
// waits for the first one, and must know that it was itself.

const PATIENCE = { everyMs: 5, msMax: 30_000 };

/** Loses the connection of the next write of tokens in the middle of its COMMIT, which ends well when somebody waits for it. */
async function loseNextCommit(t: TestContext, { deps }: TestServer): Promise<() => Promise<void>> {
  const { database, config } = deps;
  const client = new Client({ connectionString: config.databaseUrl });
  await client.connect();
  const tenants = database.tenants.bind(database);
  let committed: Promise<unknown> | undefined;
  t.mock.method(database, "tenants", (tenantIds: readonly string[]): Queryable => {
    return {
      run: async (statement, values) => {
        if (statement.name !== "token.issue" || committed !== undefined)
          return tenants(tenantIds).run(statement, values);
        await client.query("BEGIN");
        await client.query("SELECT set_config('mayfly.tenants', $1, true)", [tenantIds.join(",")]);
        await client.query(statement.text, [...values]);
        committed = untilBlocked(client).then(() => client.query("COMMIT"));
        throw new DatabaseUnavailable("the connection was lost", { mayHaveCommitted: true });
      },
    };
  });
  return async () => {
    assert.ok(committed !== undefined, "no token was written");
    await committed;
    await client.end();
  };
}

function untilBlocked(client: Client): Promise<void> {
  const text = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
  const isBlocked = async () => (await client.query(text)).rows.length > 0;
  return waitUntil(isBlocked, "the second send does not wait for the first", PATIENCE);
}

// The embedded database has one session: there, nothing is sent again before the first is over.
if (databaseSide() === "postgresql") {
  test("a code whose connection is lost in COMMIT gives its tokens, and is no reuse of itself", async (t) => {
    const flow = await testCodeFlow();
    const grant = await flow.grant();
    const finish = await loseNextCommit(t, flow.tenant.server);
    const tokens = tokensOf(await flow.exchange(grant));
    await finish();
    assert.equal((await flow.tenant.introspect(flow.application, tokens.access)).active, true);
    assert.equal((await flow.refresh(tokens.refresh)).status, 200);
  });

  test("a refresh token whose connection is lost in COMMIT gives its successor, and is no reuse of itself", async (t) => {
    const flow = await testCodeFlow();
    const login = await flow.logIn();
    const finish = await loseNextCommit(t, flow.tenant.server);
    const tokens = tokensOf(await flow.refresh(login.refresh));
    await finish();
    assert.equal((await flow.tenant.introspect(flow.application, tokens.access)).active, true);
    assert.equal((await flow.refresh(tokens.refresh)).status, 200);
  });

  for (const uses of [1, 3]) {
    test(`an exchange of a token of ${uses} uses whose connection is lost in COMMIT moves one`, async (t) => {
      const { tenant, application } = await testClient({ config: { token_format: "referential" } });
      const { access } = tokensOf(await tenant.token(application, { ...CREDENTIALS, max_uses: String(uses) }));
      const finish = await loseNextCommit(t, tenant.server);
      const child = tokensOf(await exchange(tenant, application, access));
      await finish();
      const left = await tenant.introspect(application, access);
      assert.equal((await tenant.introspect(application, child.access)).uses_left, 1);
      assert.equal(left.uses_left, uses === 1 ? undefined : uses - 1);
    });
  }
}
