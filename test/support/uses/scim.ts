import { SCIM_USER } from "../../../src/protocol/scim-schema.ts";
import { succeed } from "../management-client.ts";
import type { Use } from "./index.ts";

/** SCIM: a user and a group are made, changed, replaced and deleted, and its discovery is read. */
export const useScim: Use = async ({ tenant, api }) => {
  const user = await succeed(api("SCIMCreateUser", { body: { userName: "sue@example.com", externalId: "7" } }));
  const identity = String(user.id);
  await succeed(api("SCIMGetUser", { identity }));
  await succeed(api("SCIMListUsers", { query: { filter: 'userName eq "sue@example.com"', count: "10" } }));
  const rename = { Operations: [{ op: "replace", path: "displayName", value: "Sue" }] };
  await succeed(api("SCIMUpdateUser", { identity, body: rename }));
  await succeed(api("SCIMReplaceUser", { identity, body: { userName: "sue@example.com" } }));
  const member = await tenant.addIdentity("scim-member@example.com");
  const made = await succeed(
    api("SCIMCreateGroup", { body: { displayName: "Singers", members: [{ value: member }, { value: identity }] } }),
  );
  const group = String(made.id);
  await succeed(api("SCIMGetGroup", { group }));
  await succeed(api("SCIMListGroups", { query: { count: "10" } }));
  const leave = { Operations: [{ op: "remove", path: `members[value eq "${identity}"]` }] };
  await succeed(api("SCIMUpdateGroup", { group, body: leave }));
  const whole = { displayName: "Singers", members: [{ value: identity }] };
  await succeed(api("SCIMReplaceGroup", { group, body: whole }));
  await succeed(api("SCIMDeleteGroup", { group }));
  await succeed(api("SCIMDeleteUser", { identity }));
  await succeed(api("GetServiceProviderConfig", {}));
  await succeed(api("ListResourceTypes", {}));
  await succeed(api("GetResourceType", { resource_type: "User" }));
  await succeed(api("ListSchemas", {}));
  await succeed(api("GetSchema", { schema: SCIM_USER.core.id }));
  return { resource_type: "User", schema: SCIM_USER.core.id };
};
