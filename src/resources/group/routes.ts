import { Type } from "typebox";
import { DIRECTORY_PAGE_SIZES } from "../../http/list-query.ts";
import { ManagementError } from "../../http/management-error.ts";
import { wrapped } from "../../http/operation.ts";
import { READ_ONLY } from "../answer-parts.ts";
import { type Call, type Outcome, realmOf } from "../call.ts";
import { demandValid } from "../checked.ts";
import { demandVersion } from "../etag.ts";
import { heldRoles } from "../held-roles.ts";
import { countIdentitiesOf, listIdentitiesOf } from "../identity/queries.ts";
import { identityAnswerOf } from "../identity/rules.ts";
import { IdentityAnswer } from "../identity/schema.ts";
import { lists } from "../list-operation.ts";
import { creates, reads, type WriteCall, type WriteOutcome, writes } from "../operations.ts";
import { RoleAnswer } from "../role/schema.ts";
import {
  addMembers,
  GROUP_CONFLICTS,
  GROUP_EVENT,
  getGroup,
  getHeldGroup,
  groupKeyOf,
  MEMBERSHIP_EVENT,
  removeGroup,
  removeMembers,
  storeGroupChange,
  storeNewGroup,
} from "./changes.ts";
import { countGroups, type Group, hasGroupMembers, listGroups } from "./queries.ts";
import { createGroup, groupAnswerOf, updateGroup } from "./rules.ts";
import { GroupAnswer, GroupBody, GroupMembersBody } from "./schema.ts";

const GROUPS = "/v1/tenants/{tenant}/realms/{realm}/groups";
const GROUP = `${GROUPS}/{group}` as const;
const BODY = wrapped("group", GroupBody, READ_ONLY);

/** The operations of groups (reference 2.2). */
export const GROUP_OPERATIONS = [
  creates(
    {
      name: "CreateGroup",
      method: "POST",
      path: GROUPS,
      tag: "Groups",
      summary: "Makes a group.",
      scopes: ["groups:create"],
      body: BODY,
      answer: GroupAnswer,
      refusals: ["conflict"],
      isCreate: true,
      isVersioned: true,
      conflicts: GROUP_CONFLICTS,
      event: { ...GROUP_EVENT, action: "CREATE" },
    },
    async (call) => stored(await storeNewGroup(call, demandValid(createGroup(call.body.group)))),
    { parameter: "group", show: showGroup },
  ),
  reads(
    {
      name: "GetGroup",
      method: "GET",
      path: GROUP,
      tag: "Groups",
      summary: "Shows a group.",
      scopes: ["groups:read"],
      answer: GroupAnswer,
      isVersioned: true,
    },
    showGroup,
  ),
  lists(
    {
      name: "ListGroups",
      path: GROUPS,
      tag: "Groups",
      summary: "Lists the groups of the realm.",
      scopes: ["groups:read"],
      plural: "groups",
      item: GroupAnswer,
      sizes: DIRECTORY_PAGE_SIZES,
      takesSkip: true,
      takesFilter: true,
    },
    (call) => ({
      page: (page) => listGroups(call.db, realmOf(call), page),
      count: (filter) => countGroups(call.db, realmOf(call), filter),
      idOf: ({ key }) => key.groupId,
      show: groupAnswerOf,
    }),
  ),
  writes(
    {
      name: "UpdateGroup",
      method: "PATCH",
      path: GROUP,
      tag: "Groups",
      summary: "Changes a group.",
      scopes: ["groups:update"],
      body: BODY,
      answer: GroupAnswer,
      refusals: ["conflict"],
      isVersioned: true,
      conflicts: GROUP_CONFLICTS,
      event: { ...GROUP_EVENT, action: "UPDATE" },
    },
    async (call) => {
      const held = await getHeld(call);
      const settings = demandValid(updateGroup(held.settings, call.body.group));
      const { group, changed } = await storeGroupChange(call, held, settings);
      return stored(group, { changed });
    },
  ),
  writes(
    {
      name: "DeleteGroup",
      method: "DELETE",
      path: GROUP,
      tag: "Groups",
      summary: "Deletes a group that has no members.",
      scopes: ["groups:delete"],
      refusals: ["conflict"],
      isVersioned: true,
      event: { ...GROUP_EVENT, action: "DELETE" },
    },
    async (call) => {
      const group = await getHeld(call);
      if (await hasGroupMembers(call.db, group.key)) throw new ManagementError("conflict", "group has children");
      await removeGroup(call, group);
      return { value: undefined, about: { id: group.key.groupId } };
    },
  ),
  writes(
    {
      name: "AddGroupMembers",
      method: "POST",
      path: `${GROUP}:addMembers`,
      tag: "Groups",
      summary: "Adds identities to a group, all or none; those that are members already stay.",
      scopes: ["groups:update", "identities:read"],
      body: GroupMembersBody,
      answer: GroupAnswer,
      isVersioned: true,
      event: { ...MEMBERSHIP_EVENT, action: "CREATE" },
    },
    async (call) => {
      const group = await getHeld(call);
      const identity_ids = [...new Set(call.body.identity_ids)];
      return stored(await addMembers(call, group, identity_ids), { identity_ids });
    },
  ),
  writes(
    {
      name: "DeleteGroupMembers",
      method: "POST",
      path: `${GROUP}:deleteMembers`,
      tag: "Groups",
      summary: "Takes identities out of a group; those that are no members are ignored.",
      scopes: ["groups:update", "identities:read"],
      body: GroupMembersBody,
      answer: GroupAnswer,
      isVersioned: true,
      event: { ...MEMBERSHIP_EVENT, action: "DELETE" },
    },
    async (call) => {
      const group = await getHeld(call);
      const { identity_ids } = call.body;
      return stored(await removeMembers(call, group, identity_ids), { identity_ids });
    },
  ),
  lists(
    {
      name: "ListGroupMembers",
      path: `${GROUP}:listMembers`,
      tag: "Groups",
      summary: "Lists the members of a group.",
      scopes: ["groups:read", "identities:read"],
      plural: "identities",
      item: IdentityAnswer,
      sizes: DIRECTORY_PAGE_SIZES,
      takesSkip: true,
    },
    (call) => {
      const { groupId, ...realm } = groupKeyOf(call);
      return {
        page: (page) => listIdentitiesOf(call.db, realm, groupId, page),
        count: async () => {
          const [size] = await Promise.all([countIdentitiesOf(call.db, realm, groupId), getGroup(call)]);
          return size;
        },
        idOf: ({ key }) => key.identityId,
        show: identityAnswerOf,
      };
    },
  ),
  lists(
    {
      name: "ListGroupRoles",
      path: `${GROUP}:listRoles`,
      tag: "Groups",
      summary: "Lists the roles that a group gives its members, of one resource server or of all.",
      scopes: ["groups:read", "roles:read", "resource-servers:read"],
      plural: "roles",
      item: RoleAnswer,
      sizes: DIRECTORY_PAGE_SIZES,
      takesSkip: true,
      members: { resource_server_id: Type.Optional(Type.String()) },
      refusals: ["conflict"],
    },
    (call, { resource_server_id: resourceServerId = "" }) => {
      const holder = { kind: "group", id: groupKeyOf(call).groupId } as const;
      return heldRoles(call, { holder, resourceServerId, demandHolder: () => getGroup(call) });
    },
  ),
] as const;

async function showGroup(call: Call<unknown, unknown>): Promise<Outcome<GroupAnswer>> {
  const group = await getGroup(call);
  return { value: groupAnswerOf(group), version: group.version };
}

function stored(group: Group, facts?: Readonly<Record<string, unknown>>): WriteOutcome<GroupAnswer> {
  return { value: groupAnswerOf(group), version: group.version, about: { id: group.key.groupId, facts } };
}

async function getHeld(call: WriteCall<unknown, unknown>): Promise<Group> {
  const group = await getHeldGroup(call);
  demandVersion(call.request, group.version);
  return group;
}
