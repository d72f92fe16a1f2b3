import assert from "node:assert/strict";
import { test } from "node:test";
import { createIdentity, updateIdentity } from "./rules.ts";
import type { IdentityBody } from "./schema.ts";

type TraitsBody = NonNullable<IdentityBody["traits"]>;

const around = { isClientId: (username: string) => username === "job" };

function violations(traits: TraitsBody): string[] {
  const body = { display_name: "Ann", traits: { type: "traits_v0" as const, username: "ann", ...traits } };
  const checked = createIdentity(body, around);
  if (checked.ok) return [];
  return checked.violations.map(({ field, description }) => `${field.replace("identity.traits.", "")}: ${description}`);
}

test("an identity is active, and its traits are its user name at least", () => {
  const checked = createIdentity({ display_name: "Ann", traits: { type: "traits_v0", username: "ann" } }, around);
  assert.ok(checked.ok);
  assert.equal(checked.value.status, "active");
  assert.ok(!createIdentity({ display_name: "Ann", traits: { type: "traits_v0" } }, around).ok);
  assert.ok(!createIdentity({ display_name: "Ann" }, around).ok);
});

test("a null trait is no trait, as the command line sends it", () => {
  assert.deepEqual(violations({ given_name: null }), []);
});

test("a user name is no client_id (rule 2)", () => {
  assert.deepEqual(violations({ username: "job" }), ["username: is the client_id of an application of this realm"]);
});

test("an address is one address, and a trait one line, but for two", () => {
  for (const address of ["a@b", "Ann.O'Hara+x@mail.example", "jürgen@exämple.de", ""]) {
    assert.deepEqual(violations({ primary_email_address: address }), [], address);
  }
  for (const address of ["ann", "a@b,c@d", "a@b\r\nBcc: c@d", "<a@b>", "a@@b", "a b@c", `${"a".repeat(250)}@b.cd`]) {
    assert.equal(violations({ primary_email_address: address }).length, 1, address);
  }
  assert.equal(violations({ given_name: "Ann\nO" }).length, 1);
  assert.deepEqual(violations({ street_address: "1 Road\nTown" }), []);
});

test("traits are written with their type, and merged", () => {
  const created = createIdentity({ display_name: "Ann", traits: { type: "traits_v0", username: "ann" } }, around);
  assert.ok(created.ok);
  assert.deepEqual(updateIdentity(created.value, { traits: { title: "Dr" } }, around), {
    ok: false,
    violations: [{ field: "identity.traits.type", description: "missing" }],
  });
  const updated = updateIdentity(created.value, { traits: { type: "traits_v0", title: "Dr" } }, around);
  assert.ok(updated.ok);
  assert.deepEqual(updated.value.traits, { type: "traits_v0", username: "ann", title: "Dr" });
});
