import assert from "node:assert/strict";
import { test } from "node:test";
import { ScimError } from "./scim-error.ts";
import type { ScimResource } from "./scim-patch.ts";
import { type Projection, project } from "./scim-projection.ts";
import { SCIM_USER } from "./scim-schema.ts";

const ENTERPRISE = SCIM_USER.extension.id;
const own = { schemas: [SCIM_USER.core.id], id: "1" };
const emails = [{ value: "a@example.com", primary: true }];
const others = { userName: "ann", name: { givenName: "Ann", familyName: "Lee" }, emails };
const enterprise = { [ENTERPRISE]: { department: "IT", manager: { value: "2", displayName: "Bob" } } };
const ann: ScimResource = { ...own, ...others, ...enterprise };

const SHOWN: readonly (readonly [asked: Projection, shown: ScimResource])[] = [
  [{}, ann],
  [{ attributes: "" }, ann],
  [{ attributes: "USERNAME, name.familyName" }, { ...own, userName: "ann", name: { familyName: "Lee" } }],
  [{ attributes: "emails.value" }, { ...own, emails: [{ value: "a@example.com" }] }],
  [{ attributes: "colour,name.middleName" }, own],
  [{ attributes: `${ENTERPRISE}:department` }, { ...own, [ENTERPRISE]: { department: "IT" } }],
  [{ attributes: ENTERPRISE.toLowerCase() }, { ...own, ...enterprise }],
  [{ excludedAttributes: `id,schemas,emails,${ENTERPRISE}` }, { ...own, userName: "ann", name: others.name }],
  [
    { excludedAttributes: "name.givenName,name.familyName,members" },
    { ...own, userName: "ann", emails, ...enterprise },
  ],
  [
    { attributes: "userName,emails", excludedAttributes: "emails" },
    { ...own, userName: "ann" },
  ],
];

test("what is asked for is shown, what is not wanted is left out, and what a resource is always stays", () => {
  for (const [asked, shown] of SHOWN) assert.deepEqual(project(ann, asked, SCIM_USER), shown, JSON.stringify(asked));
  assert.throws(() => project(ann, { attributes: "a b" }, SCIM_USER), ScimError);
});
