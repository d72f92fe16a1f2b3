import assert from "node:assert/strict";
import { test } from "node:test";
import { realmPath } from "../../src/protocol/client-metadata.ts";
import { SCIM_GROUP, SCIM_USER } from "../../src/protocol/scim-schema.ts";
import { adminWorld } from "../support/admin-world.ts";
import { type Answer, call } from "../support/http.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import { testClient } from "../support/test-client.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

const ERROR = "urn:ietf:params:scim:api:messages:2.0:Error";
const ENTERPRISE = SCIM_USER.extension.id;
const patch = (...Operations: readonly object[]) => ({
  body: { schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], Operations },
});

/** Asserts an error in SCIM's shape, and returns what it says. */
function refused(answer: Answer, status: number, scimType?: string): string {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers.get("content-type"), "application/scim+json; charset=utf-8");
  const { schemas, status: told, scimType: type, detail, ...others } = answer.json ?? {};
  assert.deepEqual([schemas, told, type, others], [[ERROR], String(status), scimType, {}], answer.text);
  return String(detail);
}

async function send(tenant: TestTenant, method: string, path: string, body?: string): Promise<Answer> {
  return call(`${tenant.server.url}${realmPath(tenant.realm)}/scim/v2${path}`, {
    method,
    headers: { authorization: `Bearer ${await tenant.managementToken()}`, "content-type": "application/scim+json" },
    ...(body === undefined ? {} : { body }),
  });
}

const SUE = {
  schemas: [SCIM_USER.core.id, ENTERPRISE],
  externalId: "e7",
  userName: "sue@example.com",
  displayName: "Sue Lee",
  active: true,
  name: { givenName: "Sue", familyName: "Lee" },
  emails: [{ value: "sue@example.com", primary: true }],
  [ENTERPRISE]: { employeeNumber: "7", department: "Sales", manager: { value: "1", displayName: "Ann" } },
};

test("a user is made, shown, replaced and deleted, and is an identity", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const made = await api("SCIMCreateUser", { body: { ...SUE, id: "ignored", title: "ignored" } });
  assert.equal(made.status, 201, made.text);
  const { id, meta, ...kept } = made.value;
  const identity = String(id);
  assert.deepEqual(kept, SUE);
  const location = `${tenant.server.deps.config.publicUrl}${realmPath(tenant.realm)}/scim/v2/Users/${identity}`;
  const { created, lastModified, ...rest } = Object(meta);
  assert.deepEqual(rest, { resourceType: "User", location, version: "W/0" });
  assert.equal(created, lastModified);
  assert.equal(made.headers.get("location"), location);
  assert.equal(made.headers.get("content-type"), "application/scim+json; charset=utf-8");
  assert.deepEqual((await api("SCIMGetUser", { identity })).value, made.value);
  const native = await succeed(api("GetIdentity", { identity }));
  assert.equal(native.traits.manager_name, "Ann");
  const title = { identity: { traits: { type: "traits_v0", title: "Dr" } } } as const;
  await succeed(api("UpdateIdentity", { identity, body: title }));
  const replaced = await api("SCIMReplaceUser", { identity, body: { USERNAME: "sue", active: false } });
  assert.equal(replaced.status, 200, replaced.text);
  const { meta: _, ...bare } = replaced.value;
  assert.deepEqual(bare, {
    ...{ schemas: [SCIM_USER.core.id], id, userName: "sue", displayName: "sue", active: false },
  });
  // What SCIM does not know stays as it is.
  assert.equal((await succeed(api("GetIdentity", { identity }))).traits.title, "Dr");
  const still = await succeed(api("SCIMReplaceUser", { identity, body: { userName: "sue" } }));
  assert.equal(still.active, false, "a PUT that does not say it lets nobody in");
  const gone = await api("SCIMDeleteUser", { identity });
  assert.deepEqual([gone.status, gone.text], [204, ""]);
  refused(await api("SCIMGetUser", { identity }), 404);
});

test("what is refused has SCIM's shape and name", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const { clientId } = (await testClient({ tenant })).application;
  await succeed(api("SCIMCreateUser", { body: { userName: "ann" } }));
  refused(await api("SCIMCreateUser", { body: { userName: "ANN" } }), 409, "uniqueness");
  assert.match(refused(await api("SCIMCreateUser", { body: {} }), 400, "invalidValue"), /userName: missing/);
  assert.match(
    refused(await api("SCIMCreateUser", { body: { userName: clientId } }), 400, "invalidValue"),
    /^userName: /,
  );
  const long = { userName: "bob", [ENTERPRISE]: { department: "x".repeat(1025) } };
  assert.match(
    refused(await api("SCIMCreateUser", { body: long }), 400, "invalidValue"),
    new RegExp(`^${ENTERPRISE}:dep`),
  );
  const emails = [{ value: "a@example.com", primary: false }];
  refused(await api("SCIMCreateUser", { body: { userName: "bob", emails } }), 400, "invalidValue");
  refused(await send(tenant, "POST", "/Users", "{"), 400, "invalidSyntax");
  refused(await send(tenant, "POST", "/Users", "[]"), 400, "invalidValue");
  refused(await send(tenant, "GET", "/Users?filter=colour%20eq%20%22red%22"), 400, "invalidFilter");
  refused(await send(tenant, "GET", "/Users?startIndex=x"), 400, "invalidValue");
  refused(await send(tenant, "GET", "/Users?attributes=a%20b&count=1"), 400, "invalidPath");
  refused(await send(tenant, "DELETE", "/Users"), 405);
  refused(await send(tenant, "POST", "/Users", `"${"x".repeat(1_048_576)}"`), 413);
  refused(await api("SCIMGetUser", { identity: "00000000000000ff" }), 404);
  refused(await api("SCIMGetUser", { identity: "x" }), 404);
  refused(await api("SCIMGetUser", { identity: "00000000000000ff", token: "x" }), 401);
  const token = await tenant.managementToken("scim:users:create");
  refused(await api("SCIMListUsers", { token }), 403);
  refused(await api("SCIMListUsers", { realm: "00000000000000ff" }), 404);
});

test("a user is changed by all operations or by none", async () => {
  const api = managementClient(await testTenant());
  const identity = String((await succeed(api("SCIMCreateUser", { body: SUE }))).id);
  const changed = await api("SCIMUpdateUser", {
    identity,
    ...patch(
      { op: "Replace", path: "active", value: "False" },
      { op: "add", path: 'emails[type eq "work"].value', value: "lee@example.com" },
      { op: "replace", value: { "name.givenName": "Susan", [ENTERPRISE]: { department: "IT" } } },
      { op: "remove", path: `${ENTERPRISE}:manager` },
    ),
  });
  assert.equal(changed.status, 200, changed.text);
  const { active, emails, name, [ENTERPRISE]: enterprise } = changed.value;
  assert.deepEqual([active, emails], [false, [{ value: "lee@example.com", primary: true }]]);
  assert.deepEqual(name, { givenName: "Susan", familyName: "Lee" });
  assert.deepEqual(enterprise, { employeeNumber: "7", department: "IT" });
  const rename = { op: "replace", path: "displayName", value: "Nobody" };
  const bad = { op: "replace", path: 'emails[type eq "home"].value', value: "x@example.com" };
  refused(await api("SCIMUpdateUser", { identity, ...patch(rename, bad) }), 400, "noTarget");
  refused(
    await api("SCIMUpdateUser", { identity, ...patch(rename, { op: "remove", path: "userName" }) }),
    400,
    "invalidValue",
  );
  refused(
    await api("SCIMUpdateUser", { identity, ...patch({ op: "replace", path: "id", value: "1" }) }),
    400,
    "mutability",
  );
  assert.deepEqual((await api("SCIMGetUser", { identity })).value, changed.value);
});

test("users are found by the whole grammar of filters, a part at a time", async () => {
  const api = managementClient(await testTenant());
  for (const userName of ["anna", "anton", "bert"]) {
    const body = { userName, name: { givenName: userName }, emails: [{ value: `${userName}@example.com` }] };
    await succeed(api("SCIMCreateUser", { body: { ...body, [ENTERPRISE]: { department: "IT" } } }));
  }
  const find = async (filter: string, more: object = { count: "10" }) =>
    succeed(api("SCIMListUsers", { query: { filter, ...more } }));
  const FOUND: readonly (readonly [filter: string, size: number])[] = [
    ['userName eq "ANNA"', 1],
    ['userName ne "anna"', 2],
    ['userName sw "an" and active eq true', 2],
    ['name[givenName eq "bert"]', 1],
    ['emails.value ew "@example.com" and not (userName co "ert")', 2],
    ['emails[type eq "work" and value sw "anton"]', 1],
    [`${ENTERPRISE}:department eq "it"`, 3],
    [`${SCIM_USER.core.id}:userName eq "anna"`, 1],
    ["externalId pr", 0],
  ];
  for (const [filter, size] of FOUND) assert.equal((await find(filter)).totalResults, size, filter);
  const page = await find('userName sw "a"', { startIndex: "2", count: "1" });
  assert.deepEqual([page.totalResults, page.startIndex, page.itemsPerPage, page.Resources.length], [2, 2, 1, 1]);
  const first = await find('userName sw "a"', { startIndex: "1", count: "1", attributes: "userName" });
  const names = [...first.Resources, ...page.Resources].map(({ userName }) => String(userName));
  assert.deepEqual(names.toSorted(), ["anna", "anton"]);
  assert.deepEqual(Object.keys(first.Resources[0] ?? {}), ["schemas", "id", "userName"]);
  // Reference 2.1: who names no count is told how many there are.
  const none = await succeed(api("SCIMListUsers", {}));
  assert.deepEqual([none.totalResults, none.Resources], [3, []]);
  const low = await succeed(api("SCIMListUsers", { query: { startIndex: "-3", count: "99999" } }));
  assert.deepEqual([low.startIndex, low.itemsPerPage], [1, 3]);
});

test("a group is made with members, changed, replaced and deleted; members are never shown", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const people: string[] = [];
  for (const name of ["ann", "bob", "cat"]) people.push(await tenant.addIdentity(`${name}@example.com`));
  const [ann = "", bob = "", cat = ""] = people;
  const members = (...ids: string[]) => ids.map((value) => ({ value }));
  const made = await api("SCIMCreateGroup", { body: { displayName: "Clerks", members: members(ann, bob) } });
  assert.equal(made.status, 201, made.text);
  assert.match(made.headers.get("location") ?? "", /\/scim\/v2\/Groups\/[0-9a-f]{16}$/);
  const group = String(made.value.id);
  assert.equal("members" in made.value, false);
  const inside = async () =>
    (await succeed(api("ListGroupMembers", { group }))).identities.map(({ id }) => id).toSorted();
  assert.deepEqual(await inside(), [ann, bob].toSorted());
  const change = patch(
    { op: "add", path: "members", value: members(cat, ann) },
    { op: "remove", path: `members[value eq "${bob}"]` },
    { op: "replace", value: { displayName: "Sellers", [SCIM_GROUP.extension.id]: { description: "At the till" } } },
  );
  const changed = await succeed(api("SCIMUpdateGroup", { group, ...change }));
  assert.deepEqual(
    [changed.displayName, changed[SCIM_GROUP.extension.id]],
    ["Sellers", { description: "At the till" }],
  );
  assert.deepEqual(await inside(), [ann, cat].toSorted());
  const partial = await succeed(api("SCIMGetGroup", { group, query: { excludedAttributes: "members,meta" } }));
  assert.equal("meta" in partial, false);
  const rename = { op: "replace", path: "displayName", value: "Nobody" };
  const unknown = { op: "add", path: "members", value: members(bob, "00000000000000ff") };
  refused(await api("SCIMUpdateGroup", { group, ...patch(rename, unknown) }), 400, "invalidValue");
  assert.equal((await succeed(api("SCIMGetGroup", { group }))).displayName, "Sellers");
  assert.deepEqual(await inside(), [ann, cat].toSorted());
  await succeed(api("SCIMReplaceGroup", { group, body: { displayName: "Clerks" } }));
  assert.deepEqual(await inside(), [ann, cat].toSorted(), "a PUT that names no members takes none out");
  await succeed(api("SCIMReplaceGroup", { group, body: { displayName: "Clerks", members: members(bob) } }));
  assert.deepEqual(await inside(), [bob]);
  refused(await api("SCIMCreateGroup", { body: { displayName: "CLERKS" } }), 409, "uniqueness");
  const gone = await api("SCIMDeleteGroup", { group });
  assert.deepEqual([gone.status, gone.text], [204, ""]);
  refused(await api("SCIMGetGroup", { group }), 404);
});

test("groups are at both addresses", async () => {
  const tenant = await testTenant();
  for (const path of ["/Groups", "/Groups/"]) {
    const made = await send(tenant, "POST", path, JSON.stringify({ displayName: `Group ${path.length}` }));
    assert.equal(made.status, 201, made.text);
    const filter = encodeURIComponent(`displayName eq "group ${path.length}"`);
    const found = await send(tenant, "GET", `${path}?count=5&filter=${filter}`);
    assert.equal(found.json?.totalResults, 1, found.text);
    refused(await send(tenant, "PUT", path, "{}"), 405);
  }
});

test("discovery answers whoever asks, and names what is supported", async () => {
  const tenant = await testTenant();
  const base = `${tenant.server.url}${realmPath(tenant.realm)}/scim/v2`;
  const read = async (path: string) => {
    const answer = await call(`${base}${path}`);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers.get("content-type"), "application/scim+json; charset=utf-8");
    return answer.json ?? {};
  };
  const { patch: patches, filter, etag } = await read("/ServiceProviderConfig");
  assert.deepEqual(
    [patches, filter, etag],
    [{ supported: true }, { supported: true, maxResults: 1000 }, { supported: false }],
  );
  assert.equal((await read("/ResourceTypes")).totalResults, 2);
  const schemas = await read("/Schemas");
  assert.equal(schemas.totalResults, 4);
  for (const { id } of Object(schemas).Resources) assert.equal((await read(`/Schemas/${id}`)).id, id);
  assert.equal((await read("/ResourceTypes/Group")).endpoint, "/Groups");
  for (const path of ["/Schemas/urn:x", "/ResourceTypes/X"]) refused(await call(`${base}${path}`), 404);
  const elsewhere = `${tenant.server.url}${realmPath({ ...tenant.realm, realmId: "00000000000000ff" })}`;
  refused(await call(`${elsewhere}/scim/v2/Schemas`), 404);
  refused(await call(`${tenant.server.url}/v1/tenants/x/realms/y/scim/v2/Schemas`), 404);
});

test("SCIM gives nobody more than the caller holds (rule 1)", async () => {
  const { tenant, api, realm, administrator, nobody, group: admins } = await adminWorld();
  const { id: office } = await succeed(api("CreateGroup", { realm, body: { group: { display_name: "Office" } } }));
  const scopes = ["scim:users:update", "scim:users:delete", "scim:groups:update", "scim:groups:delete"];
  const at = { realm, token: await tenant.managementToken(scopes.join(" ")) };
  const user = { identity: administrator, ...at };
  const suspend = patch({ op: "replace", path: "active", value: false });
  const rename = patch({ op: "replace", path: "userName", value: "thief" });
  for (const change of [suspend, rename]) refused(await api("SCIMUpdateUser", { ...user, ...change }), 403);
  refused(await api("SCIMReplaceUser", { ...user, body: { userName: "thief" } }), 403);
  refused(await api("SCIMDeleteUser", user), 403);
  await succeed(api("SCIMUpdateUser", { ...user, ...patch({ op: "replace", path: "displayName", value: "P" }) }));
  await succeed(api("SCIMUpdateUser", { ...user, identity: nobody, ...suspend }));
  const join = (value: string) => patch({ op: "add", path: "members", value: [{ value }] });
  refused(await api("SCIMUpdateGroup", { group: office, ...at, ...join(administrator) }), 403);
  await succeed(api("SCIMUpdateGroup", { group: office, ...at, ...join(nobody) }));
  refused(await api("SCIMUpdateGroup", { group: admins, ...at, ...join(nobody) }), 403);
  refused(await api("SCIMUpdateGroup", { group: admins, ...at, ...patch({ op: "remove", path: "members" }) }), 403);
  refused(await api("SCIMReplaceGroup", { group: admins, ...at, body: { displayName: "A", members: [] } }), 403);
  refused(await api("SCIMDeleteGroup", { group: admins, ...at }), 403);
  assert.equal((await succeed(api("ListGroupMembers", { realm, group: admins }))).total_size, 1);
});

test("a create that is sent again under its key makes one user", async () => {
  const api = managementClient(await testTenant());
  const request = { body: { userName: "ann" }, headers: { "idempotency-key": "k" } };
  const [one, two] = [await api("SCIMCreateUser", request), await api("SCIMCreateUser", request)];
  assert.deepEqual([two.status, two.text, two.headers.get("location")], [201, one.text, one.headers.get("location")]);
  // RFC 7644 §3.12: `uniqueness` is of attributes, and what is repeated here is a key of the request.
  refused(await api("SCIMCreateUser", { ...request, body: { userName: "bob" } }), 409);
});

test("an id that is too long to be one is not found, in SCIM's shape", async () => {
  const api = managementClient(await testTenant());
  refused(await api("SCIMGetUser", { identity: "a".repeat(201) }), 404);
});
