import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { Environment } from "../../src/config.ts";
import { planFile, reconcileFile } from "../../src/declarative/reconcile.ts";
import { hexId, uuid } from "../../src/platform/random.ts";
import { findApplication } from "../../src/resources/application/queries.ts";
import { listGroupMembers, listGroups } from "../../src/resources/group/queries.ts";
import { findNamedIdentities, readRoleScopes } from "../../src/resources/identity/queries.ts";
import { findRealm } from "../../src/resources/realm/queries.ts";
import { findResourceServerByIdentifier } from "../../src/resources/resource-server/queries.ts";
import { findTenant } from "../../src/resources/tenant/queries.ts";
import { basic, postForm } from "../support/http.ts";
import { sharedServer, type TestServer } from "../support/test-server.ts";

const SECRET = "Zk3vQ9xT1rB7mN5cW2pL8sD4fG6hJ0aYeUiOqXzVnMw";
const directory = await mkdtemp(join(tmpdir(), "mayfly-declared-"));
after(() => rm(directory, { recursive: true, force: true }));

interface Ids {
  readonly tenant: string;
  readonly realm: string;
  readonly application: string;
}

interface Declared {
  readonly server: TestServer;
  readonly ids: Ids;
  /** writes the file and makes the database what it says */
  apply(text: string, environment?: Environment): Promise<string[]>;
  plan(text: string, environment?: Environment): Promise<string[]>;
}

async function declared(): Promise<Declared> {
  const server = await sharedServer();
  const { random } = server.deps;
  const path = join(directory, `${hexId(random)}.yaml`);
  const write = (text: string): Promise<void> => writeFile(path, text);
  return {
    server,
    ids: { tenant: hexId(random), realm: hexId(random), application: uuid(random) },
    apply: async (text, environment = {}) => {
      await write(text);
      return reconcileFile(server.deps, path, environment);
    },
    plan: async (text, environment = {}) => {
      await write(text);
      return planFile(server.deps, path, environment);
    },
  };
}

function shopFile(ids: Ids, options: { readonly lifetime?: number; readonly extra?: string } = {}): string {
  return `version: 1
tenants:
  - id: "${ids.tenant}"
    display_name: Shop
    test: true
    ${options.extra ?? ""}
    realms:
      - id: "${ids.realm}"
        display_name: Customers
        resource_servers:
          - display_name: Shoes
            identifier: urn:shoes
            scopes: [shoes:read, shoes:write]
            roles:
              - display_name: Clerks
                scopes: [shoes:read]
                groups: [Staff]
                identities: [bob@example.com]
        authenticator_configs:
          - display_name: Login
            config: {type: hosted_web}
        groups:
          - display_name: Staff
            members: [Ann@Example.com]
        identities:
          - display_name: Ann
            traits: {type: traits_v0, username: ann@example.com, primary_email_address: ann@example.com}
          - display_name: Bob
            traits: {type: traits_v0, username: bob@example.com}
        applications:
          - id: ${ids.application}
            display_name: Job
            resource_server_id: urn:shoes
            protocol_config:
              type: oauth2
              grant_type: [client_credentials]
              client_id: job-${ids.tenant}
              client_secret: {env: JOB_SECRET}
              allowed_scopes: [shoes:read]
              token_configuration: {expires_after: ${options.lifetime ?? 600}, token_signing_algorithm: ES256}
`;
}

const environment = { JOB_SECRET: SECRET };

describe("the declarative file", () => {
  test("makes a tenant whose client gets tokens, and members what they are", async () => {
    const { server, ids, apply } = await declared();
    const changes = await apply(shopFile(ids), environment);
    assert.equal(changes.filter((change) => change.startsWith("create ")).length, 9);
    assert.equal(changes.join("\n").includes(SECRET), false);

    const application = `${server.url}/v1/tenants/${ids.tenant}/realms/${ids.realm}/applications/${ids.application}`;
    const form = { grant_type: "client_credentials", expiration_time: "60" };
    const answer = await postForm(`${application}/token`, form, { authorization: basic(`job-${ids.tenant}`, SECRET) });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json?.expires_in, 60);

    const db = server.deps.database.tenants([ids.tenant]);
    const realm = { tenantId: ids.tenant, realmId: ids.realm };
    const shoes = await findResourceServerByIdentifier(db, realm, "urn:shoes");
    const people = await findNamedIdentities(db, realm, {
      ids: [],
      usernameKeys: ["ann@example.com", "bob@example.com"],
    });
    assert.equal(people.length, 2);
    for (const { key } of people) {
      const scopes = await readRoleScopes(db, realm, key.identityId, shoes?.key.resourceServerId ?? "");
      assert.deepEqual([...scopes], ["shoes:read"]);
    }
    assert.equal((await findTenant(db, ids.tenant))?.kind, "test");
  });

  test("changes nothing when it says what is so, and counts no version", async () => {
    const { server, ids, apply, plan } = await declared();
    await apply(shopFile(ids), environment);
    const db = server.deps.database.tenants([ids.tenant]);
    const key = { tenantId: ids.tenant, realmId: ids.realm, applicationId: ids.application };
    const before = await findApplication(db, key);
    assert.deepEqual(await plan(shopFile(ids), environment), []);
    assert.deepEqual(await apply(shopFile(ids), environment), []);
    assert.deepEqual(await findApplication(db, key), before);
    assert.equal(before?.version, 1);
  });

  test("sets a member back, says from what to what, and leaves alone what it does not write", async () => {
    const { server, ids, apply, plan } = await declared();
    await apply(shopFile(ids), environment);
    const planned = await plan(shopFile(ids, { lifetime: 60 }), environment);
    assert.match(planned.join("\n"), /^update application "Job" .*token_configuration\.expires_after: 600 -> 60$/);
    const short = `version: 1\ntenants: [{id: "${ids.tenant}", display_name: Store}]`;
    assert.deepEqual(await apply(short), [`update tenant ${ids.tenant}: display_name: "Shop" -> "Store"`]);
    const db = server.deps.database.tenants([ids.tenant]);
    assert.equal((await findTenant(db, ids.tenant))?.kind, "test");
    assert.ok(await findRealm(db, { tenantId: ids.tenant, realmId: ids.realm }));
  });

  test("replaces a secret that is another, and only then", async () => {
    const { server, ids, apply } = await declared();
    await apply(shopFile(ids), environment);
    const other = { JOB_SECRET: [...SECRET].reverse().join("") };
    assert.deepEqual(await apply(shopFile(ids), other), [
      `update application "Job" (${ids.application}): client_secret changed`,
    ]);
    const application = `${server.url}/v1/tenants/${ids.tenant}/realms/${ids.realm}/applications/${ids.application}`;
    const headers = { authorization: basic(`job-${ids.tenant}`, SECRET) };
    const answer = await postForm(`${application}/token`, { grant_type: "client_credentials" }, headers);
    assert.equal(answer.status, 401);
  });

  test("deletes what it does not name where the tenant is pruned, list by list", async () => {
    const { server, ids, apply } = await declared();
    await apply(shopFile(ids), environment);
    const pruned = `version: 1
tenants:
  - id: "${ids.tenant}"
    prune: true
    realms:
      - id: "${ids.realm}"
        groups: []
        identities: [{traits: {type: traits_v0, username: ann@example.com}}]
`;
    const changes = await apply(pruned);
    assert.deepEqual(changes.map((change) => change.replace(/ [(]?[0-9a-f]{16}[)]?$/, "")).sort(), [
      'delete group "Staff"',
      "delete identity",
    ]);
    const db = server.deps.database.tenants([ids.tenant]);
    const realm = { tenantId: ids.tenant, realmId: ids.realm };
    assert.deepEqual(await listGroups(db, realm, { after: "", limit: 10 }), []);
    assert.ok(await findApplication(db, { ...realm, applicationId: ids.application }));
    assert.deepEqual(await apply(pruned), []);
  });

  test("sets a list of members whole", async () => {
    const { server, ids, apply } = await declared();
    await apply(shopFile(ids), environment);
    await apply(shopFile(ids).replace("members: [Ann@Example.com]", "members: [bob@example.com]"), environment);
    const db = server.deps.database.tenants([ids.tenant]);
    const realm = { tenantId: ids.tenant, realmId: ids.realm };
    const [staff] = await listGroups(db, realm, { after: "", limit: 10 });
    const [bob] = await findNamedIdentities(db, realm, { ids: [], usernameKeys: ["bob@example.com"] });
    assert.ok(staff && bob);
    assert.deepEqual(await listGroupMembers(db, staff.key, { after: "", limit: 10 }), [bob.key.identityId]);
  });

  test("makes an admin realm with the built-in resource server", async () => {
    const { server, ids, apply } = await declared();
    const text = `version: 1
tenants:
  - id: "${ids.tenant}"
    display_name: Managed
    realms:
      - id: "${ids.realm}"
        display_name: Admins
        is_admin: true
        applications:
          - id: ${ids.application}
            display_name: Operator
            resource_server_id: beyondidentity
            target_realm: "*"
            protocol_config:
              type: oauth2
              grant_type: [client_credentials]
              client_secret: ${SECRET}
              allowed_scopes: [tenants:read]
              token_configuration: {expires_after: 600}
`;
    await apply(text);
    assert.deepEqual(await apply(text), []);
    const db = server.deps.database.tenants([ids.tenant]);
    const key = { tenantId: ids.tenant, realmId: ids.realm, applicationId: ids.application };
    assert.equal((await findApplication(db, key))?.settings.target_realm, "*");
    const server63 = await findResourceServerByIdentifier(db, key, "beyondidentity");
    assert.equal(server63?.settings.scopes.length, 63);
    assert.equal(server63.isManaged, true);
  });
});

describe("the declarative file changes nothing when", () => {
  async function refusal(change: (text: string) => string, more: Environment = environment): Promise<string> {
    const { server, ids, apply, plan } = await declared();
    const text = change(shopFile(ids));
    const planned = await plan(text, more).then(
      () => "",
      (error: Error) => error.message,
    );
    const applied = await apply(text, more).then(
      () => "",
      (error: Error) => error.message,
    );
    assert.equal(applied, planned);
    assert.equal(await findTenant(server.deps.database.tenants([ids.tenant]), ids.tenant), undefined);
    return applied.replace(/^.*\.yaml:/gm, "").replaceAll(/tenants\[0\]\.realms\[0\]\.?/g, "");
  }

  const cases: readonly [string, RegExp, (text: string) => string][] = [
    [
      "a member is unknown",
      /^9: colour: is not a known member$/,
      (text) =>
        text
          .replace("    realms:\n", "    realms:\n")
          .replace("        display_name: Customers", "        colour: red"),
    ],
    [
      "a reference means nothing",
      /resource_server_id: "urn:socks" is no resource server of this realm/,
      (text) => text.replace("resource_server_id: urn:shoes", "resource_server_id: urn:socks"),
    ],
    [
      "a scope is none of the resource server",
      /allowed_scopes: shoes:steal is not a scope of the resource server/,
      (text) => text.replace("allowed_scopes: [shoes:read]", "allowed_scopes: [shoes:steal]"),
    ],
    [
      "a member of a group is nobody",
      /groups\[0\]\.members\[0\]: "Carl" is no identity of this realm/,
      (text) => text.replace("Ann@Example.com", "Carl"),
    ],
    [
      "a client_id is a user name",
      /client_id: is a user name|traits\.username: is the client_id/,
      (text) =>
        text
          .replace(/client_id: .*/, "client_id: carl")
          .replace("username: bob@example.com", "username: Carl")
          .replace("[bob@example.com]", "[Carl]"),
    ],
    [
      "a lifetime is zero",
      /expires_after: must be >= 1/,
      (text) => text.replace("expires_after: 600", "expires_after: 0"),
    ],
    [
      "an object stands there twice",
      /identities\[1\]: is the same object as element 0/,
      (text) =>
        text.replace("username: bob@example.com", "username: ANN@example.com").replace("[bob@example.com]", "[]"),
    ],
    [
      "a secret can be guessed",
      /client_secret: must be 43 to 128/,
      (text) => text.replace("{env: JOB_SECRET}", "hunter2"),
    ],
    [
      "the environment lacks a secret",
      /client_secret: the environment has no NOTHING/,
      (text) => text.replace("JOB_SECRET", "NOTHING"),
    ],
    [
      "a public client would act for itself",
      /grant_type: client_credentials needs a confidential client/,
      (text) => text.replace("type: oauth2", "type: oauth2\n              confidentiality: public"),
    ],
  ];
  for (const [name, expected, change] of cases) {
    test(name, async () => assert.match(await refusal(change), expected));
  }

  test("another kind, client type or name of what exists is asked for", async () => {
    const { ids, apply } = await declared();
    await apply(shopFile(ids), environment);
    const text = shopFile(ids)
      .replace("test: true", "test: false")
      .replace("type: oauth2", "type: oidc")
      .replace("client_id: job-", "client_id: jib-");
    await assert.rejects(apply(text, environment), (error: Error) => {
      assert.match(error.message, /:5: tenants\[0\]\.test: cannot be changed; this is a test tenant/);
      assert.match(error.message, /protocol_config\.type: cannot be changed; it is "oauth2"/);
      assert.match(error.message, /protocol_config\.client_id: cannot be changed; it is "job-/);
      return true;
    });
    assert.deepEqual(await apply(shopFile(ids), environment), []);
  });

  test("one of two tenants is wrong", async () => {
    const { server, ids, apply } = await declared();
    const other = hexId(server.deps.random);
    const text = `version: 1\ntenants: [{id: "${ids.tenant}", display_name: Good}, {id: "${other}", display_name: "B<d"}]`;
    await assert.rejects(apply(text), /tenants\[1\]\.display_name: must match pattern/);
    assert.equal(await findTenant(server.deps.database.tenants([ids.tenant]), ids.tenant), undefined);
  });

  test("an id belongs to what was deleted", async () => {
    const { ids, apply } = await declared();
    await apply(shopFile(ids), environment);
    const empty = `version: 1\ntenants: [{id: "${ids.tenant}", prune: true, realms: [{id: "${ids.realm}", applications: []}]}]`;
    await apply(empty);
    await assert.rejects(apply(shopFile(ids), environment), /applications\[0\]: its id or name is taken/);
  });
});

test("two nodes that start together apply a file once", async () => {
  const { ids, apply, server } = await declared();
  const text = shopFile(ids);
  const path = join(directory, `${hexId(server.deps.random)}.yaml`);
  await writeFile(path, text);
  const both = await Promise.all([apply(text, environment), reconcileFile(server.deps, path, environment)]);
  assert.deepEqual(both.map((changes) => changes.length > 0).sort(), [false, true]);
});
