import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertRefused } from "../support/refusals.ts";
import { type TestClient, testClient } from "../support/test-client.ts";
import { testCodeFlow, tokensOf } from "../support/test-code-flow.ts";

// A token that no introspection would read again (it takes 16384 characters) must not be issued.

const SCOPES = Array.from({ length: 300 }, (_, index) => `${"s".repeat(57)}${index.toString().padStart(3, "0")}`);
const LENGTH_MAX = 16_384;
const PER_SCOPE = 82; // 60 characters and a space, in base64url

async function countTokens({ tenant, application }: TestClient): Promise<unknown> {
  const path = `/applications/${application.key.applicationId}/tokens`;
  return (await tenant.manage("GET", path)).json?.total_size;
}

describe("a token of 300 long scopes", () => {
  test("is refused with invalid_scope, and nothing is recorded but the refusal", async () => {
    const client = await testClient({ resourceServer: { scopes: SCOPES } });
    client.tenant.server.sent.length = 0;
    const answer = await client.tenant.token(client.application, { grant_type: "client_credentials" });
    assertRefused(answer, 400, "invalid_scope");
    assert.match(String(answer.json?.error_description), /16384/);
    const issued = client.tenant.server.sent.filter(({ statement }) => statement.name === "token.issue");
    assert.deepEqual(issued, []);
    assert.equal(await countTokens(client), 0);
    const found = await client.tenant.manage("GET", `/decisions/${answer.headers.get("x-trace-id")}`);
    const { decisions } = found.json as { decisions: Record<string, unknown>[] };
    assert.equal(decisions[0]?.outcome, "invalid_scope");
  });

  test("is refused for what it would be in full; a part of it is issued and read again, up to the limit", async () => {
    const client = await testClient({ resourceServer: { scopes: SCOPES } });
    const { tenant, application } = client;
    let longest = 0;
    for (let count = 170; count < 300; count += 1) {
      const scope = SCOPES.slice(0, count).join(" ");
      const answer = await tenant.token(application, { grant_type: "client_credentials", scope });
      if (answer.status !== 200) {
        assertRefused(answer, 400, "invalid_scope");
        break;
      }
      const { access } = tokensOf(answer);
      longest = access.length;
      const { active, scope: live } = await tenant.introspect(application, access);
      assert.deepEqual([active, live], [true, scope]);
    }
    assert.ok(longest <= LENGTH_MAX && longest > LENGTH_MAX - 2 * PER_SCOPE, String(longest));
  });

  test("is issued where it is a reference, whose length says nothing of its scopes", async () => {
    const client = await testClient({ resourceServer: { scopes: SCOPES }, config: { token_format: "referential" } });
    const answer = await client.tenant.token(client.application, { grant_type: "client_credentials" });
    const { access, scope } = tokensOf(answer);
    assert.equal(scope, SCOPES.join(" "));
    assert.equal((await client.tenant.introspect(client.application, access)).active, true);
  });

  test("is refused at a code's exchange and at a refresh, and consumes neither", async () => {
    const flow = await testCodeFlow({ resourceServer: { scopes: SCOPES } });
    const grant = await flow.grant();
    assertRefused(await flow.exchange(grant), 400, "invalid_scope");
    const { refresh } = tokensOf(await flow.exchange(grant, { scope: SCOPES[0] ?? "" }));
    assertRefused(await flow.refresh(refresh), 400, "invalid_scope");
    assert.equal(tokensOf(await flow.refresh(refresh, { scope: "openid" })).scope, "openid");
  });
});
