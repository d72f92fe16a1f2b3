import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { stringify } from "yaml";
import { applicationPath } from "../../src/protocol/client-metadata.ts";
import { MANAGEMENT_SCOPES } from "../../src/protocol/management-scopes.ts";
import { basic, call, postForm } from "../support/http.ts";
import { managementClient } from "../support/management-client.ts";
import { violatedFields } from "../support/refusals.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

const APPLICATION = "5f1d7a52-7d0c-4c6e-9a53-6b1f0a5be001";
const SECRET = "Zk3vQ9xT1rB7mN5cW2pL8sD4fG6hJ0aYeUiOqXzVnMw";

interface Change {
  readonly action: string;
  readonly what: string;
  readonly details: readonly string[];
}

async function apply(tenant: TestTenant, body: unknown, query: { dry_run?: "true" } = {}): Promise<readonly Change[]> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const answer = await managementClient(tenant)("ApplyTenant", { text, query });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json?.dry_run, "dry_run" in query);
  return answer.json?.changes as Change[];
}

function shop(tenant: TestTenant, lifetime = 900) {
  return {
    id: tenant.tenantId,
    realms: [
      {
        id: tenant.realm.realmId,
        resource_servers: [
          {
            display_name: "Shop",
            identifier: "urn:shop",
            scopes: ["orders:read"],
            roles: [{ display_name: "Clerks", scopes: ["orders:read"], groups: ["Staff"], identities: ["ada"] }],
          },
        ],
        authenticator_configs: [{ display_name: "Login", config: { type: "hosted_web" } }],
        groups: [{ display_name: "Staff", members: ["ada"] }],
        identities: [{ display_name: "Ada", traits: { type: "traits_v0", username: "ada" } }],
        applications: [
          {
            id: APPLICATION,
            display_name: "Export",
            resource_server_id: "urn:shop",
            protocol_config: {
              type: "oauth2",
              grant_type: ["client_credentials"],
              client_id: "export",
              client_secret: SECRET,
              allowed_scopes: ["orders:read"],
              token_configuration: { expires_after: lifetime },
            },
          },
        ],
      },
    ],
  };
}

describe("a tenant's part of the declarative file, sent as a request", () => {
  test("makes the tenant what it says, after a dry run that changes nothing, and the second time changes nothing", async () => {
    const tenant = await testTenant();
    const planned = await apply(tenant, shop(tenant), { dry_run: "true" });
    assert.deepEqual(
      planned.map(({ what }) => what.replace(/ .*/, "")),
      ["resource", "authenticator", "identity", "group", "group", "application", "role", "role", "role"],
    );
    assert.equal((await apply(tenant, shop(tenant), { dry_run: "true" })).length, planned.length, "nothing was made");
    const words = ({ action, what }: Change) => `${action} ${what.replace(/\(.*\)|[0-9a-f]{16}/, "")}`;
    assert.deepEqual((await apply(tenant, shop(tenant))).map(words), planned.map(words));
    assert.deepEqual(await apply(tenant, shop(tenant)), []);
    const issuer = `${tenant.server.url}${applicationPath({ ...tenant.realm, applicationId: APPLICATION })}`;
    const form = { grant_type: "client_credentials", expiration_time: "60" };
    const answer = await postForm(`${issuer}/token`, form, { authorization: basic("export", SECRET) });
    assert.equal(answer.json?.expires_in, 60, answer.text);
  });

  test("may be YAML, of which a request holds less than a file", async () => {
    const tenant = await testTenant();
    assert.ok((await apply(tenant, stringify(shop(tenant)))).length > 0);
    assert.deepEqual(await apply(tenant, stringify(shop(tenant))), []);
    const long = await managementClient(tenant)("ApplyTenant", {
      text: `# ${"x".repeat(17_000)}\n${stringify(shop(tenant))}`,
    });
    assert.deepEqual([long.status, long.json?.code], [400, "bad_request"], long.text);
    assert.match(long.text, /send JSON/);
  });

  test("names each change, and no secret", async () => {
    const tenant = await testTenant();
    await apply(tenant, shop(tenant));
    const changed = shop(tenant, 60);
    const [application] = changed.realms[0]?.applications ?? [];
    assert.ok(application);
    application.protocol_config.client_secret = [...SECRET].reverse().join("");
    const changes = await apply(tenant, changed);
    assert.deepEqual(
      changes.map(({ details }) => details.join()),
      ["protocol_config.token_configuration.expires_after: 900 -> 60", "client_secret changed"],
    );
  });

  test("is refused with the place and the rule of all that is wrong, and nothing is changed", async () => {
    const tenant = await testTenant();
    const { id, realms } = shop(tenant);
    const groups = [{ display_name: "Staff", members: ["bob"] }];
    const wrong = {
      id,
      realms: [{ ...realms[0], groups, token_policy: { min_expires_after: 9, max_expires_after: 8 } }],
    };
    const api = managementClient(tenant);
    const answer = await api("ApplyTenant", { text: JSON.stringify(wrong) });
    assert.deepEqual([answer.status, answer.json?.code], [400, "bad_request"]);
    assert.deepEqual(violatedFields(answer), [
      "realms[0].groups[0].members[0]",
      "realms[0].token_policy.min_expires_after",
    ]);
    const after = await api("ExportTenant", {});
    assert.ok(!after.text.includes("urn:shop"));
  });

  test("reads no environment and no file of the server, is about no other tenant, and is text", async () => {
    const tenant = await testTenant();
    const refuse = async (body: string | Uint8Array<ArrayBuffer>, rule: RegExp) => {
      const answer = await call(`${tenant.server.url}/v1/tenants/${tenant.tenantId}:apply`, {
        method: "POST",
        body,
        headers: { authorization: `Bearer ${await tenant.managementToken()}` },
      });
      assert.equal(answer.status, 400, answer.text);
      assert.match(answer.text, rule);
    };
    for (const source of [{ env: "PATH" }, { file: "/etc/hostname" }]) {
      const text = JSON.stringify(shop(tenant)).replace(JSON.stringify(SECRET), JSON.stringify(source));
      await refuse(text, /reads no environment and no file/);
    }
    await refuse(JSON.stringify({ ...shop(tenant), id: "00000000000000ff" }), /not the tenant of the path/);
    await refuse("[".repeat(16_000), /not YAML/);
    await refuse("", /must be object/);
    await refuse("{", /not YAML/);
    await refuse(new Uint8Array([0xff, 0xfe]), /not valid UTF-8/);
  });

  test("needs every management scope and every realm", async () => {
    const tenant = await testTenant();
    const text = JSON.stringify(shop(tenant));
    for (const missing of MANAGEMENT_SCOPES) {
      const token = await tenant.managementToken(MANAGEMENT_SCOPES.filter((scope) => scope !== missing).join(" "));
      assert.equal((await managementClient(tenant)("ApplyTenant", { text, token })).status, 403, missing);
    }
  });
});

describe("a tenant's export", () => {
  test("applied, changes nothing, and holds no secret", async () => {
    const tenant = await testTenant();
    await apply(tenant, shop(tenant));
    const answer = await managementClient(tenant)("ExportTenant", {});
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(await apply(tenant, answer.text), []);
    assert.deepEqual(await apply(tenant, stringify(answer.json)), []);
    for (const secret of [SECRET, tenant.management.clientSecret, "client_secret"])
      assert.ok(!answer.text.includes(secret));
  });

  test("without its people, changes nothing either", async () => {
    const tenant = await testTenant();
    await apply(tenant, shop(tenant));
    const answer = await managementClient(tenant)("ExportTenant", { query: { people: "false" } });
    // With quotes: an id may have the same letters.
    for (const name of ['"ada"', '"Ada"']) assert.ok(!answer.text.includes(name), answer.text);
    assert.deepEqual(await apply(tenant, answer.text), []);
  });

  test("needs to read all that is in it", async () => {
    const tenant = await testTenant();
    const token = await tenant.managementToken("tenants:read realms:read groups:read applications:read roles:read");
    const answer = await managementClient(tenant)("ExportTenant", { token });
    assert.deepEqual([answer.status, answer.json?.code], [403, "forbidden"]);
    assert.match(answer.text, /identities:read/);
  });
});

test("a text that cannot be stored is refused by its place, wherever it stands (rule 10)", async () => {
  const tenant = await testTenant();
  const [realm] = shop(tenant).realms;
  const [server] = realm?.resource_servers ?? [];
  const sent = {
    "applications[0].resource_server_id": { applications: [{ display_name: "A", resource_server_id: "urn:\0" }] },
    "applications[0].protocol_config.client_id": {
      applications: [{ display_name: "A", protocol_config: { client_id: "a\0" } }],
    },
    "resource_servers[0].roles[0].identities[0]": {
      resource_servers: [{ ...server, roles: [{ display_name: "R", identities: ["a\ud800"] }] }],
    },
    "groups[0].members[0]": { groups: [{ display_name: "G", members: ["\0"] }] },
  };
  for (const [place, members] of Object.entries(sent)) {
    const body = { id: tenant.tenantId, realms: [{ id: tenant.realm.realmId, ...members }] };
    for (const text of [JSON.stringify(body), stringify(body)]) {
      const answer = await managementClient(tenant)("ApplyTenant", { text });
      assert.equal(answer.status, 400, answer.text);
      assert.deepEqual(violatedFields(answer), [`realms[0].${place}`], answer.text);
    }
  }
});
