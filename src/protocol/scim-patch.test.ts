import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ScimError } from "./scim-error.ts";
import { isOfMembers, MEMBERS_MAX, readMemberChange } from "./scim-members.ts";
import { applySteps, PATCH_OPERATIONS_MAX, readPatch, readResource, type ScimResource } from "./scim-patch.ts";
import { SCIM_GROUP, SCIM_USER } from "./scim-schema.ts";

const ENTERPRISE = SCIM_USER.extension.id;
const work = { value: "ann@example.com", type: "work", primary: true };
const ann: ScimResource = {
  userName: "ann",
  displayName: "Ann",
  active: true,
  name: { givenName: "Ann", familyName: "Lee" },
  emails: [work],
  [ENTERPRISE]: { department: "Sales", manager: { value: "1" } },
};

interface Sent {
  readonly op: string;
  readonly path?: string;
  readonly value?: unknown;
}

function patch(resource: ScimResource, ...Operations: readonly Sent[]): ScimResource {
  return applySteps(resource, readPatch({ Operations }, SCIM_USER));
}

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof ScimError) return error.scimType;
    throw error;
  }
  return "none";
}

/** What is sent, and what the resource's members are then, besides those that stay. */
const CHANGES: readonly (readonly [why: string, sent: Sent, after: ScimResource])[] = [
  ["a value is set", { op: "replace", path: "displayName", value: "A" }, { displayName: "A" }],
  ["names and words are of any case", { op: "Replace", path: "DISPLAYNAME", value: "A" }, { displayName: "A" }],
  ["a URN may stand first", { op: "add", path: `${SCIM_USER.core.id}:userName`, value: "b" }, { userName: "b" }],
  ["truth may be a text", { op: "replace", path: "active", value: "False" }, { active: false }],
  ["a value is removed", { op: "remove", path: "displayName" }, { displayName: undefined }],
  ["null removes", { op: "replace", path: "displayName", value: null }, { displayName: undefined }],
  [
    "one part of several is set",
    { op: "replace", path: "name.givenName", value: "Sue" },
    { name: { givenName: "Sue", familyName: "Lee" } },
  ],
  [
    "parts that are not said stay",
    { op: "replace", path: "name", value: { givenName: "Sue" } },
    { name: { givenName: "Sue", familyName: "Lee" } },
  ],
  ["the whole of it is removed", { op: "remove", path: "name" }, { name: undefined }],
  ["a part is removed", { op: "remove", path: "name.givenName" }, { name: { familyName: "Lee" } }],
  [
    "an extension's part is set",
    { op: "add", path: `${ENTERPRISE}:manager.displayName`, value: "Bob" },
    { [ENTERPRISE]: { department: "Sales", manager: { value: "1", displayName: "Bob" } } },
  ],
  [
    "a manager is named by his id",
    { op: "add", path: `${ENTERPRISE}:manager`, value: "2" },
    { [ENTERPRISE]: { department: "Sales", manager: { value: "2" } } },
  ],
  ["an extension is removed", { op: "remove", path: ENTERPRISE }, { [ENTERPRISE]: undefined }],
  [
    "without a path each member is changed, also under names that are paths",
    { op: "replace", value: { id: "x", nickName: "n", displayName: "A", [`${ENTERPRISE}:department`]: "IT" } },
    { displayName: "A", [ENTERPRISE]: { department: "IT", manager: { value: "1" } } },
  ],
  [
    "another primary value is added, and the first is it no more",
    { op: "add", path: "emails", value: [{ value: "b@example.com", primary: true }] },
    {
      emails: [
        { ...work, primary: false },
        { value: "b@example.com", primary: true },
      ],
    },
  ],
  ["what is there is not added again", { op: "add", path: "emails", value: { ...work } }, {}],
  ["values are replaced", { op: "replace", path: "emails", value: [{ value: "b" }] }, { emails: [{ value: "b" }] }],
  [
    "a part of each value is set",
    { op: "replace", path: "emails.value", value: "b" },
    { emails: [{ ...work, value: "b" }] },
  ],
  [
    "a part of chosen values is set",
    { op: "replace", path: 'emails[type eq "WORK" and primary eq true].value', value: "b" },
    { emails: [{ ...work, value: "b" }] },
  ],
  [
    "an add that finds none makes what its filter says",
    { op: "add", path: 'emails[type eq "home"].value', value: "h" },
    { emails: [work, { type: "home", value: "h" }] },
  ],
  ["chosen values are removed", { op: "remove", path: 'emails[value sw "ann"]' }, { emails: undefined }],
  ["unknown attributes are ignored", { op: "add", path: "x509Certificates", value: [1] }, {}],
];

test("operations do what RFC 7644 §3.5.2 says, and nothing else", () => {
  for (const [why, sent, after] of CHANGES) {
    const before = structuredClone(ann);
    const expected = Object.entries({ ...ann, ...after }).filter(([, value]) => value !== undefined);
    assert.deepEqual(patch(ann, sent), Object.fromEntries(expected), why);
    assert.deepEqual(ann, before, `${why}: what was there is not touched`);
  }
});

const REFUSALS: readonly (readonly [scimType: string, sent: Sent])[] = [
  ["invalidSyntax", { op: "move", path: "displayName" }],
  ["noTarget", { op: "remove" }],
  ["noTarget", { op: "replace", path: 'emails[type eq "home"].value', value: "h" }],
  ["noTarget", { op: "remove", path: 'emails[type eq "home"]' }],
  ["noTarget", { op: "add", path: 'emails[type ne "work"].value', value: "h" }],
  ["mutability", { op: "replace", path: "id", value: "1" }],
  ["mutability", { op: "replace", path: "meta.version", value: "1" }],
  ["invalidPath", { op: "add", path: 'displayName[value eq "x"]', value: "x" }],
  ["invalidPath", { op: "add", path: "a b", value: "x" }],
  ["invalidFilter", { op: "remove", path: "emails[type eq]" }],
  ["invalidFilter", { op: "remove", path: 'emails[colour eq "red"]' }],
  ["invalidFilter", { op: "remove", path: "emails[primary gt true]" }],
  ["invalidValue", { op: "add", path: "displayName" }],
  ["invalidValue", { op: "add", path: "displayName", value: { a: 1 } }],
  ["invalidValue", { op: "add", path: "active", value: "perhaps" }],
  ["invalidValue", { op: "add", value: "x" }],
  [
    "invalidValue",
    {
      op: "add",
      path: "emails",
      value: [
        { value: "a", primary: true },
        { value: "b", primary: true },
      ],
    },
  ],
];

test("what cannot be done is refused by SCIM's name for it", () => {
  for (const [scimType, sent] of REFUSALS) {
    assert.equal(
      refusal(() => patch(ann, sent)),
      scimType,
      JSON.stringify(sent),
    );
  }
  const many = Array.from({ length: PATCH_OPERATIONS_MAX + 1 }, () => ({ op: "remove", path: "name" }));
  assert.equal(
    refusal(() => patch(ann, ...many)),
    "invalidSyntax",
  );
  assert.equal(
    refusal(() => readPatch({ schemas: ["x"], Operations: [{ op: "remove", path: "name" }] }, SCIM_USER)),
    "invalidSyntax",
  );
});

const text = fc.string({ maxLength: 8 });
const email = fc.record({ value: text, primary: fc.boolean() }, { requiredKeys: [] });
const KNOWN: readonly (readonly [path: string, value: fc.Arbitrary<unknown>])[] = [
  ["userName", text],
  ["displayName", text],
  ["active", fc.boolean()],
  ["name", fc.record({ givenName: text, familyName: text }, { requiredKeys: [] })],
  ["name.givenName", text],
  ["emails", fc.array(email, { maxLength: 2 })],
  [`${ENTERPRISE}:manager`, fc.record({ value: text })],
  [`${ENTERPRISE}:department`, text],
];
const operation = fc.oneof(
  ...KNOWN.flatMap(([path, value]) => [
    fc.record({ op: fc.constantFrom("add", "replace"), path: fc.constant(path), value }),
    fc.record({ op: fc.constant("remove"), path: fc.constant(path) }),
  ]),
);

test("operations one after the other are the same as all in one request, and doing them again changes nothing more", () => {
  fc.assert(
    fc.property(fc.array(operation, { minLength: 1, maxLength: 6 }), (operations) => {
      let one = ann;
      const stepwise = refusal(() => {
        for (const each of operations) one = patch(one, each);
      });
      let all = ann;
      assert.equal(
        refusal(() => {
          all = patch(ann, ...operations);
        }),
        stepwise,
      );
      if (stepwise !== "none") assert.equal(all, ann);
      else assert.deepEqual(all, one);
      const last = operations.at(-1);
      if (stepwise === "none" && last !== undefined) assert.deepEqual(patch(all, last), all);
    }),
  );
});

test("whatever is sent is read into what the schema knows, or refused", () => {
  const names = fc.constantFrom(
    "userName",
    "emails",
    "name",
    "members",
    "active",
    ENTERPRISE,
    "emails[type eq",
    "__proto__",
  );
  const body = fc.dictionary(fc.oneof(names, text), fc.jsonValue({ maxDepth: 3 }));
  const known = new Set(["externalId", ENTERPRISE, ...SCIM_USER.core.attributes.map(({ name }) => name)]);
  fc.assert(
    fc.property(body, (sent) => {
      let read: ScimResource = {};
      refusal(() => {
        read = readResource(sent, SCIM_USER);
      });
      for (const name of Object.keys(read)) assert.ok(known.has(name), name);
      assert.deepEqual(readResource(read, SCIM_USER), read);
    }),
  );
});

test("what becomes of members is what doing it step by step would make of them", () => {
  const id = fc.constantFrom("a", "b", "c", "d");
  const members = fc.array(
    id.map((value) => ({ value })),
    { maxLength: 3 },
  );
  const change = fc.oneof(
    fc.record({ op: fc.constantFrom("add", "replace", "remove"), path: fc.constant("members"), value: members }),
    fc.record({ op: fc.constant("remove"), path: fc.constant("members") }),
    fc.record({ op: fc.constant("remove"), path: id.map((one) => `members[value eq "${one}" or value eq "d"]`) }),
  );
  fc.assert(
    fc.property(fc.uniqueArray(id), fc.array(change, { minLength: 1, maxLength: 5 }), (before, operations) => {
      const steps = readPatch({ Operations: operations }, SCIM_GROUP);
      assert.ok(steps.every(isOfMembers));
      const { isWhole, added, removed } = readMemberChange(steps);
      const after = new Set([...(isWhole ? [] : before.filter((one) => !removed.has(one))), ...added]);
      assert.deepEqual([...after].sort(), byHand(before, operations).sort());
    }),
  );
});

interface MemberOperation {
  readonly op: string;
  readonly path: string;
  readonly value?: readonly { readonly value: string }[];
}

function byHand(before: readonly string[], operations: readonly MemberOperation[]): string[] {
  let members = new Set(before);
  for (const { op, path, value } of operations) {
    const named = value?.map((one) => one.value) ?? [...path.matchAll(/"(\w)"/g)].map(([, one = ""]) => one);
    if (op === "replace") members = new Set(named);
    else if (op === "add") for (const one of named) members.add(one);
    else if (path === "members" && value === undefined) members.clear();
    else for (const one of named) members.delete(one);
  }
  return [...members];
}

test("members are chosen by their ids alone, and so many at a time", () => {
  const read = (...Operations: readonly Sent[]) => readMemberChange(readPatch({ Operations }, SCIM_GROUP));
  assert.equal(
    refusal(() => read({ op: "remove", path: 'members[display eq "Ann"]' })),
    "invalidFilter",
  );
  assert.equal(
    refusal(() => read({ op: "add", path: 'members[value eq "a"]', value: { value: "b" } })),
    "invalidPath",
  );
  assert.equal(
    refusal(() => read({ op: "add", path: "members", value: [{ display: "Ann" }] })),
    "invalidValue",
  );
  const value = Array.from({ length: MEMBERS_MAX + 1 }, (_, n) => ({ value: String(n) }));
  assert.equal(
    refusal(() => read({ op: "add", path: "members", value })),
    "tooMany",
  );
});
