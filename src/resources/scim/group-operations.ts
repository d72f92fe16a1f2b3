import { fieldViolations } from "../../http/management-error.ts";
import { isOfMembers, readMemberChange } from "../../protocol/scim-members.ts";
import { applySteps, type PatchStep, readPatch, readSteps, type ScimResource } from "../../protocol/scim-patch.ts";
import { SCIM_GROUP } from "../../protocol/scim-schema.ts";
import { type Call, type Outcome, realmOf } from "../call.ts";
import {
  changeMembers,
  GROUP_CONFLICTS,
  GROUP_EVENT,
  getGroup,
  getHeldGroup,
  removeGroupWithMembers,
  storeGroupChange,
  storeNewGroup,
} from "../group/changes.ts";
import type { Group } from "../group/queries.ts";
import { createGroup, updateGroup } from "../group/rules.ts";
import { creates, reads, type WriteCall, type WriteOutcome, writes } from "../operations.ts";
import { listResources } from "./list-resources.ts";
import { countScimGroups, listScimGroups } from "./queries.ts";
import { demandScim, groupAnswerOf, groupBodyOf, groupResourceOf, locationOf, readSent, shown } from "./rules.ts";
import {
  listResponseOf,
  ScimGroupAnswer,
  ScimGroupBody,
  ScimListQuery,
  ScimPatchBody,
  ScimShowQuery,
} from "./schema.ts";
import { SCIM, scimBaseOf } from "./scim-base.ts";

const GROUPS = `${SCIM}/Groups` as const;
const GROUP = `${GROUPS}/{group}` as const;
// The origin's document has a slash at the end, and its clients do or do not (reference 6 #42).
const SHARED = { tag: "SCIM", format: "scim" } as const;
const LISTED = { ...SHARED, path: GROUPS, alias: `${GROUPS}/` } as const;
const CHANGE = {
  ...SHARED,
  path: GROUP,
  scopes: ["scim:groups:update"],
  query: ScimShowQuery,
  answer: ScimGroupAnswer,
  refusals: ["conflict"],
  conflicts: GROUP_CONFLICTS,
  event: { ...GROUP_EVENT, action: "UPDATE" },
} as const;

/** The operations of SCIM's groups (reference 2.2). Members are written, and never shown. */
export const SCIM_GROUP_OPERATIONS = [
  creates(
    {
      ...LISTED,
      name: "SCIMCreateGroup",
      method: "POST",
      summary: "Makes a group, with the members that are named.",
      scopes: ["scim:groups:create"],
      query: ScimShowQuery,
      body: ScimGroupBody,
      answer: ScimGroupAnswer,
      status: 201,
      refusals: ["conflict"],
      isCreate: true,
      conflicts: GROUP_CONFLICTS,
      event: { ...GROUP_EVENT, action: "CREATE" },
    },
    async (call) => {
      const steps = readSent(() => readSteps(call.body, SCIM_GROUP));
      const group = await storeNewGroup(call, demandScim(createGroup(groupBodyOf(applied({}, steps)))));
      await applyMembers(call, group, steps);
      const { groupId: id } = group.key;
      const location = locationOf(SCIM_GROUP, id, baseOf(call));
      return { value: show(call, group), headers: { location }, about: { id } };
    },
    { parameter: "group", show: showMadeGroup },
  ),
  reads(
    {
      ...LISTED,
      name: "SCIMListGroups",
      method: "GET",
      summary: "Lists groups.",
      scopes: ["scim:groups:read"],
      query: ScimListQuery,
      answer: listResponseOf(ScimGroupAnswer),
    },
    async (call) => {
      const realm = realmOf(call);
      const value = await listResources(call.query, {
        page: (page) => listScimGroups(call.db, realm, page),
        count: (filter) => countScimGroups(call.db, realm, filter),
        show: (group) => show(call, group),
      });
      return { value };
    },
  ),
  reads(
    {
      ...SHARED,
      name: "SCIMGetGroup",
      method: "GET",
      path: GROUP,
      summary: "Shows a group.",
      scopes: ["scim:groups:read"],
      query: ScimShowQuery,
      answer: ScimGroupAnswer,
    },
    showGroup,
  ),
  writes(
    {
      ...CHANGE,
      name: "SCIMUpdateGroup",
      method: "PATCH",
      summary: "Changes a group and who is in it, by all of the operations or by none.",
      body: ScimPatchBody,
    },
    async (call) => {
      const steps = readSent(() => readPatch(call.body, SCIM_GROUP));
      const held = await getHeldGroup(call);
      return change(call, held, { after: applied(groupResourceOf(held), steps), steps });
    },
  ),
  writes(
    {
      ...CHANGE,
      name: "SCIMReplaceGroup",
      method: "PUT",
      summary: "Replaces a group; who is in it stays as it is where members are not named.",
      body: ScimGroupBody,
    },
    async (call) => {
      const sent = readSent(() => readSteps(call.body, SCIM_GROUP));
      const steps = sent.map((step) => (isOfMembers(step) ? { ...step, op: "replace" as const } : step));
      return change(call, await getHeldGroup(call), { after: applied({}, steps), steps });
    },
  ),
  writes(
    {
      ...SHARED,
      name: "SCIMDeleteGroup",
      method: "DELETE",
      path: GROUP,
      summary: "Deletes a group, whoever is in it.",
      scopes: ["scim:groups:delete"],
      status: 204,
      event: { ...GROUP_EVENT, action: "DELETE" },
    },
    async (call) => {
      const group = await getHeldGroup(call);
      await removeGroupWithMembers(call, group);
      return { value: undefined, about: { id: group.key.groupId } };
    },
  ),
] as const;

async function showMadeGroup(call: Call<ScimShowQuery, unknown>): Promise<Outcome<ScimResource>> {
  const location = locationOf(SCIM_GROUP, call.request.parameters.group ?? "", baseOf(call));
  return { ...(await showGroup(call)), headers: { location } };
}

async function showGroup(call: Call<ScimShowQuery, unknown>): Promise<Outcome<ScimResource>> {
  return { value: show(call, await getGroup(call)) };
}

interface Wanted {
  /** the group, but for its members */
  readonly after: ScimResource;
  /** among them those about its members */
  readonly steps: readonly PatchStep[];
}

async function change(
  call: WriteCall<ScimShowQuery, unknown>,
  held: Group,
  { after, steps }: Wanted,
): Promise<WriteOutcome<ScimResource>> {
  const settings = demandScim(updateGroup(held.settings, groupBodyOf(after)));
  const { group, changed } = await storeGroupChange(call, held, settings);
  await applyMembers(call, group, steps);
  return { value: show(call, group), about: { id: group.key.groupId, facts: { changed } } };
}

function applied(group: ScimResource, steps: readonly PatchStep[]): ScimResource {
  return readSent(() =>
    applySteps(
      group,
      steps.filter((step) => !isOfMembers(step)),
    ),
  );
}

async function applyMembers(
  call: WriteCall<unknown, unknown>,
  group: Group,
  steps: readonly PatchStep[],
): Promise<void> {
  const ofMembers = steps.filter(isOfMembers);
  if (ofMembers.length === 0) return;
  const wanted = readSent(() => readMemberChange(ofMembers));
  const unknown = await changeMembers(call, group, wanted);
  if (unknown.length === 0) return;
  throw fieldViolations(unknown.map((id) => ({ field: "members", description: `there is no user ${id}` })));
}

function show(call: Call<ScimShowQuery, unknown>, group: Group): ScimResource {
  return shown(groupAnswerOf(group, baseOf(call)), call.query, SCIM_GROUP);
}

function baseOf(call: Call<unknown, unknown>): string {
  return scimBaseOf(call.deps, realmOf(call));
}
