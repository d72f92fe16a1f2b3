import assert from "node:assert/strict";
import { test } from "node:test";
import { createRealm, updateRealm } from "./rules.ts";
import type { RealmBody } from "./schema.ts";

function violations(body: RealmBody, isAdmin = false): string[] {
  const checked = createRealm({ display_name: "Customers", ...body }, { isAdmin });
  return checked.ok ? [] : checked.violations.map(({ field, description }) => `${field}: ${description}`);
}

test("a realm gets its defaults", () => {
  const checked = createRealm({ display_name: "Customers" }, { isAdmin: false });
  assert.ok(checked.ok);
  assert.deepEqual(checked.value, {
    display_name: "Customers",
    classification: "SECURE_CUSTOMER",
    auto_provision: false,
    token_policy: {},
    session_policy: { idle: 28_800, absolute: 86_400 },
  });
});

test("nobody enrols himself into the admin realm (rule 35)", () => {
  assert.deepEqual(violations({ auto_provision: true }), []);
  assert.deepEqual(violations({ auto_provision: true }, true), [
    "realm.auto_provision: must be false in the admin realm",
  ]);
});

test("a floor above the ceiling is refused, and an idle time above the absolute one", () => {
  assert.deepEqual(violations({ token_policy: { min_expires_after: 61, max_expires_after: 60 } }), [
    "realm.token_policy.min_expires_after: is above max_expires_after",
  ]);
  assert.deepEqual(violations({ session_policy: { idle: 90_000 } }), ["realm.session_policy.idle: is above absolute"]);
});

test("a name of 1 to 64 characters holds none that reference 2.3 bans", () => {
  assert.deepEqual(violations({ display_name: "" }), ["realm.display_name: empty string"]);
  assert.equal(violations({ display_name: "x".repeat(65) }).length, 1);
  assert.deepEqual(violations({ display_name: "Zoë & Søns (2), \"north\" + 'east'@home_1" }), []);
  for (const banned of "{}[]<>;:?\\/|*^%$#=~!`\n") assert.equal(violations({ display_name: `a${banned}` }).length, 1);
});

test("a classification is said once", () => {
  const created = createRealm({ display_name: "Customers" }, { isAdmin: false });
  assert.ok(created.ok);
  const changed = updateRealm(created.value, { classification: "SECURE_WORKFORCE" }, { isAdmin: false });
  assert.deepEqual(changed, created);
});
