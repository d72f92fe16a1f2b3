import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { realmPath } from "../../src/protocol/client-metadata.ts";
import { call } from "../support/http.ts";
import { managementClient, succeed, violationsOf } from "../support/management-client.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

// What a request may hold, and what headers say of it.

async function post(
  tenant: TestTenant,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
) {
  const authorization = `Bearer ${await tenant.managementToken()}`;
  return call(`${tenant.server.url}${realmPath(tenant.realm)}/groups`, {
    ...{ method: "POST", body },
    headers: { authorization, "content-type": "application/json", ...headers },
  });
}

function apply(tenant: TestTenant, headers: Readonly<Record<string, string>>) {
  const text = `id: ${tenant.tenantId}\n`;
  return managementClient(tenant)("ApplyTenant", { text, query: { dry_run: "true" }, headers });
}

const membersOf = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`m${at}`, 1]));

test("an object of too many members is refused before anything looks at them", async () => {
  const tenant = await testTenant();
  const most = await post(tenant, JSON.stringify({ group: { ...membersOf(999), display_name: "A" } }));
  assert.equal(most.status, 400);
  assert.match(most.text, /is not a known member/);
  const over = await post(tenant, JSON.stringify({ group: { ...membersOf(80_000), display_name: "A" } }));
  assert.equal(over.status, 400);
  assert.equal(over.json?.message, "an object in the body has more than 1000 members");
});

test("unknown members are named, however many, and with them what else is wrong", async () => {
  const tenant = await testTenant();
  const answer = await post(tenant, JSON.stringify({ group: { ...membersOf(12), description: 1 }, other: { a: 1 } }));
  const unknown = Array.from({ length: 12 }, (_, at) => `group.m${at}: is not a known member`);
  const violations = violationsOf(answer);
  assert.match(violations[0] ?? "", /^group\.description: must be/);
  assert.deepEqual(violations.slice(1).toSorted(), [...unknown, "other: is not a known member"].toSorted());
});

test("a body in a coding or charset that is not read is refused", async () => {
  const tenant = await testTenant();
  const group = (display_name: string) => JSON.stringify({ group: { display_name } });
  const refused = [
    await post(tenant, group("A"), { "content-encoding": "gzip" }),
    await post(tenant, new Uint8Array(gzipSync(group("A"))), { "content-encoding": "gzip" }),
    await post(tenant, group("A"), { "content-type": "application/json; charset=utf-16" }),
    await apply(tenant, { "content-encoding": "gzip" }),
    await apply(tenant, { "content-type": "application/yaml; charset=utf-16" }),
  ];
  assert.deepEqual(
    refused.map(({ status, json }) => [status, json?.code]),
    refused.map(() => [415, "unsupported_media_type"]),
  );
  const identity = { "content-encoding": "identity", "content-type": 'application/json; charset="UTF-8"' };
  assert.equal((await post(tenant, group("A"), identity)).status, 200);
});

test("a SCIM PATCH has long texts and many comparisons refused", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const made = await succeed(api("SCIMCreateUser", { body: { userName: "sue" } }));
  const identity = String(made.id);
  const patch = (...Operations: readonly object[]) => api("SCIMUpdateUser", { identity, body: { Operations } });
  const long = await patch({ op: "add", path: "emails", value: [{ value: "x".repeat(400_000) }] });
  assert.equal(long.status, 400);
  assert.equal(long.json?.detail, "value: is longer than 2048 characters");
  const email = { op: "add", path: "emails", value: [{ value: "sue@example.com", type: "work" }] };
  const filtered = (comparisons: number) => {
    const filter = Array.from({ length: comparisons }, () => 'value co "s"').join(" and ");
    return { op: "replace", path: `emails[${filter}].type`, value: "work" };
  };
  const many = (operations: number) => Array.from({ length: operations }, () => filtered(20));
  const within = await patch(email, ...many(50));
  assert.equal(within.status, 200, within.text);
  const over = await patch(...many(51));
  assert.equal(over.status, 400);
  assert.match(String(over.json?.detail), /more than 1000 comparisons/);
  // Names of members are paths, too.
  const path = (at: number) => `emails[${'value co "s" and '.repeat(20)}value co "${at}"].type`;
  const named = Object.fromEntries(Array.from({ length: 51 }, (_, at) => [path(at), "work"]));
  const replaced = await api("SCIMReplaceUser", { identity, body: { userName: "sue", ...named } });
  assert.equal(replaced.status, 400);
  assert.match(String(replaced.json?.detail), /more than 1000 comparisons/);
});

test("a page size of any number of digits is the largest there is", async () => {
  const api = managementClient(await testTenant());
  const query = { page_size: "9".repeat(30) };
  const answers = [await api("ListGroups", { query }), await api("ListEvents", { query })];
  for (const answer of answers) assert.equal(answer.status, 200, answer.text);
});

test("events are no lines for whom lines weigh nothing", async () => {
  const api = managementClient(await testTenant());
  const typeFor = async (accept: string) =>
    (await api("ListEvents", { headers: { accept } })).headers.get("content-type")?.split(";")[0];
  assert.equal(await typeFor("application/x-ndjson;q=0, application/json"), "application/json");
  assert.equal(await typeFor("application/x-ndjson; q=0.000"), "application/json");
  assert.equal(await typeFor("application/x-ndjson; q=0.1"), "application/x-ndjson");
});

test("a look at the link of an invitation opens nothing", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const identity = await tenant.addIdentity(`eve-${tenant.tenantId}@example.com`);
  const config = { type: "embedded" as const, invoke_url: "https://shop.example/login", trusted_origins: [] };
  const job = { delivery_method: "RETURN" as const, authenticator_config: { config } };
  const made = await succeed(api("CreateCredentialBindingJob", { identity, body: { job } }));
  const looked = await call(made.credential_binding_link ?? "", { method: "HEAD" });
  assert.equal(looked.status, 204);
  const shown = await succeed(api("GetCredentialBindingJob", { identity, job: made.credential_binding_job.id }));
  assert.equal(shown.state, "LINK_SENT");
});
