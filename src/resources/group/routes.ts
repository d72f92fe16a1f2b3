import { DIRECTORY_PAGE_SIZES } from "../../http/list-query.ts";
import { ManagementError, notFound } from "../../http/management-error.ts";
import { wrapped } from "../../http/operation.ts";
import { hexId } from "../../platform/random.ts";
import { READ_ONLY, timesOf } from "../answer-parts.ts";
import { readPowerOf } from "../authority/queries.ts";
import { demandCover } from "../authority/rules.ts";
import { type Call, readPathId, realmOf } from "../call.ts";
import { demandValid } from "../checked.ts";
import { demandVersion } from "../etag.ts";
import { type EventKind, listChanged } from "../event-draft.ts";
import { holdIdentities } from "../identity/queries.ts";
import { lists } from "../list-operation.ts";
import { reads, type WriteCall, type WriteOutcome, writes } from "../operations.ts";
import {
  countGroups,
  deleteGroup,
  deleteGroupMembers,
  findGroup,
  type Group,
  type GroupKey,
  hasGroupMembers,
  holdGroup,
  insertGroup,
  insertGroupMembers,
  listGroups,
  updateGroupSettings,
} from "./queries.ts";
import { createGroup, updateGroup } from "./rules.ts";
import { GroupAnswer, GroupBody, GroupMembersBody } from "./schema.ts";

const GROUPS = "/v1/tenants/{tenant}/realms/{realm}/groups";
const GROUP = `${GROUPS}/{group}` as const;
const BODY = wrapped("group", GroupBody, READ_ONLY);
const EVENT = { type: "V1GroupChange", resource: "Group" } as const satisfies Partial<EventKind>;
const MEMBERSHIP = { type: "V1GroupMembershipChange", resource: "Group" } as const satisfies Partial<EventKind>;
const conflicts = { groups_display_name: "group already exists" };

/** The operations of groups (reference 2.2). */
export const GROUP_OPERATIONS = [
  writes(
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
      conflicts,
      event: { ...EVENT, action: "CREATE" },
    },
    async (call) => {
      const { db, nowMs, body } = call;
      const settings = demandValid(createGroup(body.group));
      const key = { ...realmOf(call), groupId: hexId(call.deps.random) };
      await insertGroup(db, key, settings, nowMs);
      return stored({ key, settings, version: 1, createdAtMs: nowMs, updatedAtMs: nowMs });
    },
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
    async (call) => {
      const group = await findGroup(call.db, keyOf(call));
      if (group === undefined) throw notFound("Group", keyOf(call).groupId);
      return { value: answerOf(group), version: group.version };
    },
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
      show: answerOf,
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
      conflicts,
      event: { ...EVENT, action: "UPDATE" },
    },
    async (call) => {
      const { db, nowMs, body } = call;
      const group = await getHeld(call);
      const settings = demandValid(updateGroup(group.settings, body.group));
      await updateGroupSettings(db, group.key, settings, nowMs);
      const changed = { ...group, settings, version: group.version + 1, updatedAtMs: nowMs };
      return stored(changed, { changed: listChanged(group.settings, settings) });
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
      event: { ...EVENT, action: "DELETE" },
    },
    async (call) => {
      const { key } = await getHeld(call);
      if (await hasGroupMembers(call.db, key)) throw new ManagementError("conflict", "group has children");
      await demandPower(call, key.groupId, []);
      await deleteGroup(call.db, key, call.nowMs);
      return { value: undefined, about: { id: key.groupId } };
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
      event: { ...MEMBERSHIP, action: "CREATE" },
    },
    async (call) => {
      const group = await getHeld(call);
      const identityIds = [...new Set(call.body.identity_ids)];
      const held = new Set(await holdIdentities(call.db, group.key, identityIds));
      const unknown = identityIds.find((id) => !held.has(id));
      if (unknown !== undefined) throw notFound("Identity", unknown);
      await demandPower(call, group.key.groupId, identityIds);
      await insertGroupMembers(call.db, group.key, identityIds);
      return stored(group, { identity_ids: identityIds });
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
      event: { ...MEMBERSHIP, action: "DELETE" },
    },
    async (call) => {
      const group = await getHeld(call);
      await demandPower(call, group.key.groupId, call.body.identity_ids);
      await deleteGroupMembers(call.db, group.key, call.body.identity_ids);
      return stored(group, { identity_ids: call.body.identity_ids });
    },
  ),
] as const;

/** The group that a call's path names. */
function keyOf(call: Call<unknown, unknown>): GroupKey {
  return { ...realmOf(call), groupId: readPathId(call.request, { parameter: "group", shape: "hex", kind: "Group" }) };
}

// The row stays as it is until the transaction ends, so that what is decided on it holds.
async function getHeld(call: WriteCall<unknown, unknown>): Promise<Group> {
  const key = keyOf(call);
  const group = await holdGroup(call.db, key);
  if (group === undefined) throw notFound("Group", key.groupId);
  demandVersion(call.request, group.version);
  return group;
}

// Rule 1: what the group gives its members, and what they hold already.
async function demandPower(call: WriteCall<unknown, unknown>, groupId: string, identityIds: readonly string[]) {
  const power = await readPowerOf(call.db, realmOf(call), { groupIds: [groupId], identityIds });
  if (power !== undefined) demandCover(call.caller, [power]);
}

function stored(group: Group, facts?: Readonly<Record<string, unknown>>): WriteOutcome<GroupAnswer> {
  const about = { id: group.key.groupId, ...(facts === undefined ? {} : { facts }) };
  return { value: answerOf(group), version: group.version, about };
}

function answerOf(group: Group): GroupAnswer {
  const { tenantId, realmId, groupId } = group.key;
  return { id: groupId, tenant_id: tenantId, realm_id: realmId, ...group.settings, ...timesOf(group) };
}
