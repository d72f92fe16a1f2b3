import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { realmPath } from "../../src/protocol/client-metadata.ts";
import { basic, call, postForm } from "../support/http.ts";
import { addIntrospector } from "../support/introspector.ts";
import { decodeJwt } from "../support/jwt.ts";
import { assertRefused } from "../support/refusals.ts";
import { testClient } from "../support/test-client.ts";
import { tokensOf } from "../support/test-code-flow.ts";
import { type TestApplication, type TestTenant, testTenant } from "../support/test-tenant.ts";
import { addExchanger, CREDENTIALS, exchange, nameExchangers } from "../support/token-exchange.ts";

const REFERENTIAL = { config: { token_format: "referential" as const } };
const INACTIVE = { active: false };

describe("an exchange of a token that is bounded by uses (rule 17)", () => {
  test("moves the uses asked for, or one, and never makes any", async () => {
    const client = await testClient(REFERENTIAL);
    const { tenant, application } = client;
    const api = await addIntrospector(client);
    const { access } = tokensOf(await tenant.token(application, { ...CREDENTIALS, max_uses: "4" }));
    const left = async (token: string) => (await tenant.introspect(application, token)).uses_left;
    const two = await exchange(tenant, application, access, { max_uses: "2" });
    assert.equal(two.json?.max_uses, 2, two.text);
    const one = await exchange(tenant, application, access);
    assert.equal(one.json?.max_uses, 1, one.text);
    assert.deepEqual(await Promise.all([access, tokensOf(two).access, tokensOf(one).access].map(left)), [1, 2, 1]);
    assertRefused(await exchange(tenant, application, access, { max_uses: "2" }), 400, "invalid_request");
    const last = await exchange(tenant, application, access);
    assert.deepEqual(await tenant.introspect(application, access), INACTIVE, "it has given all that it had");
    assertRefused(await exchange(tenant, application, access), 400, "invalid_request");
    const grandchild = tokensOf(await exchange(tenant, application, tokensOf(two).access)).access;
    const answers = [];
    for (const token of [tokensOf(last).access, tokensOf(one).access, tokensOf(two).access, grandchild, access]) {
      for (let n = 0; n < 2; n += 1) answers.push((await tenant.introspect(api.application, token)).active);
    }
    assert.equal(answers.filter((active) => active).length, 4, "as many as it was issued for");
  });

  test("is refused where nobody could count: to an application of self-contained tokens", async () => {
    const client = await testClient(REFERENTIAL);
    const { tenant, application } = client;
    const api = await addExchanger(client);
    const { access } = tokensOf(await tenant.token(application, { ...CREDENTIALS, max_uses: "4" }));
    assertRefused(await exchange(tenant, api, access), 400, "invalid_request");
    assert.equal((await tenant.introspect(application, access)).uses_left, 4);
    const unbounded = tokensOf(await tenant.token(application, CREDENTIALS)).access;
    const bounded = await exchange(tenant, application, unbounded, { max_uses: "5" });
    assert.equal(bounded.json?.max_uses, 5, bounded.text);
  });

  test("a token that gave its last use away is shortened with all that it gave, though it is dead itself", async () => {
    const { tenant, application } = await testClient(REFERENTIAL);
    const { issuer, authorization, key } = application;
    const { access: token } = tokensOf(await tenant.token(application, { ...CREDENTIALS, max_uses: "1" }));
    const { jti, iat } = await tenant.introspect(application, token);
    const child = tokensOf(await exchange(tenant, application, token)).access;
    const endOfChild = async () => Number((await tenant.introspect(application, child)).exp) - Number(iat);
    const silent = await postForm(`${issuer}/shorten`, { token, expiration_time: "90" }, { authorization });
    assert.deepEqual([silent.status, silent.text, await endOfChild()], [200, "", 90]);
    const path = `/applications/${key.applicationId}/tokens/${jti}:shorten`;
    const shown = await tenant.manage("POST", path, { expiration_time: 60 });
    assert.deepEqual([shown.json?.uses_left, await endOfChild()], [0, 60], shown.text);
  });

  test("takes no actor token that is bounded by uses", async () => {
    const { tenant, application } = await testClient(REFERENTIAL);
    const { access } = tokensOf(await tenant.token(application, CREDENTIALS));
    const actor = tokensOf(await tenant.token(application, { ...CREDENTIALS, max_uses: "4" })).access;
    const type = "urn:ietf:params:oauth:token-type:access_token";
    const refused = await exchange(tenant, application, access, { actor_token: actor, actor_token_type: type });
    assertRefused(refused, 400, "invalid_request");
    assert.equal((await tenant.introspect(application, actor)).uses_left, 4);
  });
});

describe("a management token that is exchanged", () => {
  test("reaches no further than it did, nor than whoever exchanges it (rule 8)", async () => {
    const tenant = await testTenant();
    const { management } = tenant;
    const helper = await addAdministrator(tenant, tenant.adminRealm.realmId);
    await nameExchangers(tenant, management, [helper]);
    const token = await tenant.managementToken();
    const reach = (access: string) => decodeJwt(access).bi_r;
    const own = tokensOf(await exchange(tenant, management, token, { scope: "realms:read" })).access;
    assert.equal(reach(own), "*");
    const child = tokensOf(await exchange(tenant, helper, token)).access;
    assert.equal(reach(child), tenant.adminRealm.realmId);
    const ask = (realmId: string, access: string) =>
      call(`${tenant.server.url}${realmPath({ ...tenant.realm, realmId })}/applications`, {
        headers: { authorization: `Bearer ${access}` },
      });
    assert.equal((await ask(tenant.adminRealm.realmId, child)).status, 200);
    assert.equal((await ask(tenant.realm.realmId, child)).status, 403);
    assert.equal((await ask(tenant.realm.realmId, own)).status, 403, "without the scope");
    const elsewhere = await addAdministrator(tenant, tenant.realm.realmId);
    await nameExchangers(tenant, helper, [elsewhere]);
    const narrow = tokensOf(await tenant.token(helper, CREDENTIALS)).access;
    assertRefused(await exchange(tenant, elsewhere, narrow), 400, "invalid_target");
  });
});

/** An application of the admin realm for the management API, which reaches one realm. */
async function addAdministrator(tenant: TestTenant, target_realm: string): Promise<TestApplication> {
  const path = `${tenant.server.url}${realmPath(tenant.adminRealm)}/applications`;
  const headers = { authorization: `Bearer ${await tenant.managementToken()}`, "content-type": "application/json" };
  const managed = await call(`${path}/${tenant.management.key.applicationId}`, { headers });
  const protocol_config = {
    type: "oauth2",
    grant_type: ["client_credentials"],
    allowed_scopes: ["applications:read", "realms:read"],
    token_configuration: { expires_after: 3_600, token_signing_algorithm: "ES256" },
  };
  const { resource_server_id } = managed.json ?? {};
  const application = { display_name: "Helper", resource_server_id, target_realm, protocol_config };
  const made = await call(path, { method: "POST", headers, body: JSON.stringify({ application }) });
  const { id, protocol_config: config } = made.json as {
    id: string;
    protocol_config: { client_id: string; client_secret: string };
  };
  const { client_id: clientId, client_secret: clientSecret } = config;
  return {
    key: { ...tenant.adminRealm, applicationId: id },
    clientId,
    clientSecret,
    issuer: `${path}/${id}`,
    authorization: basic(clientId, clientSecret),
  };
}
