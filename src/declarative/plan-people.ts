import type { Queryable } from "../database/database.ts";
import { subjectKey } from "../protocol/subject.ts";
import {
  deleteGroup,
  deleteGroupMembers,
  type Group,
  type GroupKey,
  insertGroup,
  insertGroupMembers,
  listGroupMembers,
  updateGroupSettings,
} from "../resources/group/queries.ts";
import { createGroup, updateGroup } from "../resources/group/rules.ts";
import { deleteIdentity, insertIdentity, settingsOf, updateIdentitySettings } from "../resources/identity/queries.ts";
import { createIdentity, updateIdentity } from "../resources/identity/rules.ts";
import { ACCESS_GROUP } from "../resources/policy/rules.ts";
import { findUnnamed } from "./matching.ts";
import { planDeletions, planMembers, planObject } from "./planning.ts";
import type { RealmPlan } from "./realm-plan.ts";
import { readAll } from "./realm-state.ts";

/** Plans a realm's identities. What they hold is personal, so a change tells names of members only. */
export function planIdentities(realm: RealmPlan, clientIds: readonly string[]): void {
  const { planning, matches, state } = realm;
  const taken = new Set(clientIds.map(subjectKey));
  const surroundings = { isClientId: (username: string) => taken.has(subjectKey(username)) };
  for (const { path, declared, stored, id } of matches.identities) {
    const key = { ...realm.key, identityId: id };
    const { id: _, ...body } = declared;
    const current = stored && settingsOf(stored);
    planObject(planning, {
      path,
      about: { kind: "identity", id, realmId: key.realmId },
      what: `identity ${id}`,
      current,
      checked: current === undefined ? createIdentity(body, surroundings) : updateIdentity(current, body, surroundings),
      showing: "names",
      insert: (db, settings) => insertIdentity(db, key, { settings, emailVerified: false }, planning.nowMs),
      update: (db, settings) => updateIdentitySettings(db, key, settings, planning.nowMs),
    });
  }
  if (realm.declared.identities === undefined) return;
  const unnamed = findUnnamed(state.identities, matches.identities).map((identity) => ({
    about: { kind: "identity", id: identity.key.identityId, realmId: realm.key.realmId } as const,
    what: `identity ${identity.key.identityId}`,
    write: (db: Queryable) => deleteIdentity(db, identity.key, planning.nowMs),
  }));
  planDeletions(planning, [...realm.path, "identities"], unnamed);
}

/** Plans a realm's groups and who is in them. */
export async function planGroups(realm: RealmPlan): Promise<void> {
  const { planning, matches, state } = realm;
  for (const { path, declared, stored, id } of matches.groups) {
    const key = { ...realm.key, groupId: id };
    const { id: _, members, ...body } = declared;
    const what = `group ${JSON.stringify(body.display_name ?? stored?.settings.display_name ?? "")} (${id})`;
    planObject(planning, {
      path,
      about: { kind: "group", id, realmId: key.realmId },
      what,
      current: stored?.settings,
      checked: stored === undefined ? createGroup(body) : updateGroup(stored.settings, body),
      insert: (db, settings) => insertGroup(db, key, settings, planning.nowMs),
      update: (db, settings) => updateGroupSettings(db, key, settings, planning.nowMs),
    });
    if (members === undefined) continue;
    planMembers(planning, {
      path: [...path, "members"],
      about: { kind: "group_members", id, realmId: key.realmId },
      what,
      kind: "members",
      list: "identity_ids",
      current: stored === undefined ? [] : await readGroupMembers(planning.db, key),
      wanted: matches.directories.identities.resolveAll([...path, "members"], members),
      add: (db, ids) => insertGroupMembers(db, key, ids, planning.nowMs),
      remove: (db, ids) => deleteGroupMembers(db, key, ids, planning.nowMs),
    });
  }
  if (realm.declared.groups === undefined) return;
  // Without its group nobody might log in to the administration any more: it stays, whatever the file names.
  const isKept = (group: Group) => realm.isAdmin && group.settings.display_name === ACCESS_GROUP.display_name;
  const removed = findUnnamed(state.groups, matches.groups).filter((group) => !isKept(group));
  const unnamed = removed.map((group) => ({
    about: { kind: "group", id: group.key.groupId, realmId: realm.key.realmId } as const,
    what: `group ${JSON.stringify(group.settings.display_name)} (${group.key.groupId})`,
    write: (db: Queryable) => deleteGroup(db, group.key, planning.nowMs),
  }));
  planDeletions(planning, [...realm.path, "groups"], unnamed);
}

function readGroupMembers(db: Queryable, key: GroupKey): Promise<string[]> {
  return readAll(
    (page) => listGroupMembers(db, key, page),
    (id) => id,
  );
}
