import assert from "node:assert/strict";
import { test } from "node:test";
import { hexId } from "../../src/platform/random.ts";
import { insertIdentity } from "../../src/resources/identity/queries.ts";
import { createIdentity } from "../../src/resources/identity/rules.ts";
import { eventsOf } from "../support/events.ts";
import { type Answer, basic, call, postForm } from "../support/http.ts";
import { managementClient, violationsOf } from "../support/management-client.ts";
import { operatorClient, setQuotas } from "../support/operator-client.ts";
import { databaseSide } from "../support/test-database.ts";
import { sharedServer, testServer } from "../support/test-server.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

/** A token of the application that manages a new tenant. */
async function tokenOf({ json }: Answer): Promise<string> {
  const client = basic(String(json?.client_id), String(json?.client_secret));
  const form = { grant_type: "client_credentials" };
  const answer = await postForm(String(json?.token_endpoint), form, { authorization: client });
  assert.equal(answer.status, 200, answer.text);
  return String(answer.json?.access_token);
}

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

test("an operator makes a tenant, which works at once, and deletes it, which ends it at once", async () => {
  const server = await sharedServer();
  const operator = operatorClient(server);
  const made = await operator("POST", "/v1/tenants", {
    body: { tenant: { display_name: "Hats", kind: "test", quotas: { max_identities: 10, max_live_tokens: 100 } } },
  });
  assert.equal(made.status, 200, made.text);
  const { id, tenant_id, kind, quotas, realm_id } = made.json ?? {};
  assert.deepEqual([tenant_id, kind, quotas], [id, "test", { max_identities: 10, max_live_tokens: 100 }]);
  const token = await tokenOf(made);
  const path = `${server.url}/v1/tenants/${id}`;
  const shown = await call(path, bearer(token));
  assert.deepEqual([shown.status, shown.json?.display_name], [200, "Hats"]);
  const events = await call(
    `${path}/realms/${realm_id}/events?filter=${encodeURIComponent('type eq "V1TenantChange"')}`,
    bearer(token),
  );
  assert.deepEqual(
    eventsOf(events).map(({ actor, action }) => [actor.type, action]),
    [["Operator", "CREATE"]],
  );
  const listed = await operator("GET", `/v1/tenants?page_size=200`);
  assert.equal(listed.status, 200, listed.text);
  const gone = await operator("DELETE", `/v1/tenants/${id}`);
  assert.deepEqual([gone.status, gone.text], [200, ""]);
  assert.equal((await call(path, bearer(token))).status, 401);
  const client = basic(String(made.json?.client_id), String(made.json?.client_secret));
  const dead = await postForm(
    String(made.json?.token_endpoint),
    { grant_type: "client_credentials" },
    { authorization: client },
  );
  assert.ok(dead.status >= 400 && dead.status < 500, dead.text);
  assert.equal((await operator("DELETE", `/v1/tenants/${id}`)).status, 404);
  assert.equal((await operator("GET", `/v1/tenants/${id}/quotas`)).status, 404);
});

test("all tenants are listed, page by page, the deleted ones not", async () => {
  const server = await testServer();
  try {
    const operator = operatorClient(server);
    const ids: unknown[] = [];
    for (const display_name of ["A", "B", "C"]) {
      ids.push((await operator("POST", "/v1/tenants", { body: { tenant: { display_name } } })).json?.id);
    }
    await operator("DELETE", `/v1/tenants/${ids.pop()}`);
    const found: unknown[] = [];
    let query = "?page_size=2";
    for (let page = 0; query !== ""; page += 1) {
      assert.ok(page < 3);
      const { json } = await operator("GET", `/v1/tenants${query}`);
      assert.equal(json?.total_size, 3, "the two and the one of the first start");
      for (const one of Array.isArray(json?.tenants) ? json.tenants : []) found.push(one.id);
      query = json?.next_page_token === undefined ? "" : `?page_token=${json.next_page_token}`;
    }
    assert.equal(found.length, 3);
    assert.ok(ids.every((id) => found.includes(id)));
    assert.equal((await operator("GET", "/v1/tenants?page_token=nonsense")).status, 400);
  } finally {
    await server.stop();
  }
});

test("nobody but the operator passes: neither nobody, nor another credential, nor a tenant's widest token", async () => {
  const tenant = await testTenant();
  const { server } = tenant;
  const operator = operatorClient(server);
  const routes = [
    ["POST", "/v1/tenants"],
    ["GET", "/v1/tenants"],
    ["DELETE", `/v1/tenants/${tenant.tenantId}`],
    ["GET", `/v1/tenants/${tenant.tenantId}/quotas`],
    ["PATCH", `/v1/tenants/${tenant.tenantId}/quotas`],
  ] as const;
  for (const [method, path] of routes) {
    const body = method === "POST" || method === "PATCH" ? { body: {} } : {};
    for (const token of [null, "x", `${server.operatorToken}x`, await tenant.managementToken()]) {
      const answer = await operator(method, path, { ...body, token });
      assert.deepEqual([answer.status, answer.json?.code], [401, "unauthorized"], `${method} ${path} ${token}`);
      assert.match(String(answer.headers.get("www-authenticate")), /^Bearer/);
    }
  }
  const asTenant = await call(`${server.url}/v1/tenants/${tenant.tenantId}`, bearer(server.operatorToken));
  assert.equal(asTenant.status, 401, "nor is the operator's credential a tenant's token");
});

if (databaseSide() === "postgresql") {
  test("without a credential there are no operator routes (rule 27)", async () => {
    const server = await testServer({ environment: { MAYFLY_OPERATOR_TOKEN_FILE: "" } });
    try {
      const operator = operatorClient(server);
      for (const token of [null, server.operatorToken, "undefined"]) {
        const answer = await operator("GET", "/v1/tenants", { token });
        assert.deepEqual([answer.status, answer.json?.code], [404, "not_found"]);
      }
    } finally {
      await server.stop();
    }
  });
}

test("two creates with one Idempotency-Key make one tenant, and another body is refused", async () => {
  const operator = operatorClient(await sharedServer());
  const sent = { body: { tenant: { display_name: "Gloves" } }, headers: { "idempotency-key": "gloves" } };
  const answers = await Promise.all([operator("POST", "/v1/tenants", sent), operator("POST", "/v1/tenants", sent)]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200],
    answers[1]?.text,
  );
  assert.deepEqual(answers[0]?.json, answers[1]?.json);
  const other = await operator("POST", "/v1/tenants", { ...sent, body: { tenant: { display_name: "Other" } } });
  assert.equal(other.status, 409, other.text);
});

test("what is wrong with a tenant or its quotas is said by name", async () => {
  const server = await sharedServer();
  const operator = operatorClient(server);
  const refused = async (tenant: object) =>
    String(violationsOf(await operator("POST", "/v1/tenants", { body: { tenant } })));
  assert.match(await refused({}), /tenant\.display_name/);
  assert.match(await refused({ display_name: "Hats", kind: "toy" }), /tenant\.kind/);
  assert.match(await refused({ display_name: "Hats", colour: "red" }), /tenant\.colour/);
  assert.match(await refused({ display_name: "Hats", quotas: { max_identities: -1 } }), /quotas\.max_identities/);
  const { tenantId } = await testTenant();
  const quotas = `/v1/tenants/${tenantId}/quotas`;
  assert.equal((await operator("PATCH", quotas, { body: { quotas: { requests_per_minute: 0 } } })).status, 400);
  assert.equal((await operator("GET", "/v1/tenants/nonsense/quotas")).status, 404);
  const set = await operator("PATCH", quotas, {
    body: { quotas: { max_identities: 7 } },
    headers: { "if-match": '"1"' },
  });
  assert.deepEqual([set.status, set.json, set.headers.get("etag")], [200, { max_identities: 7 }, '"2"']);
  assert.equal((await operator("PATCH", quotas, { body: { quotas: {} }, headers: { "if-match": '"1"' } })).status, 412);
  assert.deepEqual((await operator("PATCH", quotas, { body: { quotas: { max_identities: null } } })).json, {});
});

test("a quota of identities is exact, however many are made at once", async () => {
  const tenant = await testTenant();
  await setQuotas(tenant.server, tenant.tenantId, { max_identities: 5 });
  const results = await Promise.allSettled(Array.from({ length: 12 }, (_, n) => addIdentity(tenant, `p${n}`)));
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 5);
  const traits = { type: "traits_v0", username: "x" };
  const realms = [{ id: tenant.realm.realmId, identities: [{ display_name: "X", traits }] }];
  const text = JSON.stringify({ id: tenant.tenantId, realms });
  const apply = await managementClient(tenant)("ApplyTenant", { text });
  assert.equal(apply.status, 409, apply.text);
  assert.equal(apply.json?.message, "the quota max_identities is reached");
  assert.match(apply.text, /may have 5 and has 5/);
});

async function addIdentity({ server: { deps }, realm }: TestTenant, username: string): Promise<void> {
  const traits = { type: "traits_v0" as const, username };
  const settings = createIdentity({ display_name: "Pat", traits }, { isClientId: () => false });
  assert.ok(settings.ok);
  const key = { ...realm, identityId: hexId(deps.random) };
  const identity = { settings: settings.value, emailVerified: false };
  await deps.database.transaction([realm.tenantId], (db) => insertIdentity(db, key, identity, deps.clock.nowMs()));
}
