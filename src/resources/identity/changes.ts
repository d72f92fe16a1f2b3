// What changes identities, for every route that does: the API's own and SCIM's.

import type { Queryable } from "../../database/database.ts";
import { fieldViolations, notFound, someNotFound } from "../../http/management-error.ts";
import { hexId } from "../../platform/random.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import { checkClientId, subjectKey } from "../../protocol/subject.ts";
import { hasClientIdLike } from "../application/queries.ts";
import { type Call, realmOf } from "../call.ts";
import { demandPowerOver } from "../demand-power.ts";
import { type EventKind, listChanged } from "../event-draft.ts";
import { identityIdOf } from "../identity-path.ts";
import { refuseRepeats } from "../list-rules.ts";
import type { WriteCall } from "../operations.ts";
import type { Checked } from "../settings.ts";
import {
  deleteIdentities,
  deleteIdentity,
  findIdentitiesByEmail,
  findIdentity,
  holdDoomedIdentities,
  holdIdentity,
  type Identity,
  type IdentityKey,
  insertIdentity,
  settingsOf,
  updateIdentitySettings,
} from "./queries.ts";
import {
  changesLogin,
  createIdentity,
  type ShownIdentity,
  type UsernameSurroundings,
  updateIdentity,
} from "./rules.ts";
import type { IdentityBody, IdentitySettings } from "./schema.ts";

type AnyCall = Call<unknown, unknown>;
type AnyWrite = WriteCall<unknown, unknown>;

/** What the events of identities are about. */
export const IDENTITY_EVENT = { type: "IdentityChange", resource: "Identity" } as const satisfies Partial<EventKind>;
/** What is said of a user name that is taken. */
export const IDENTITY_CONFLICTS = { identities_username: "username already exists" } as const;

/** The identity that a call's path names. */
export function identityKeyOf(call: AnyCall): IdentityKey {
  return { ...realmOf(call), identityId: identityIdOf(call) };
}

/** Reads the identity of a call's path. Throws 404 where there is none. */
export async function getIdentity(call: AnyCall): Promise<Identity> {
  const key = identityKeyOf(call);
  const identity = await findIdentity(call.db, key);
  if (identity === undefined) throw notFound("Identity", key.identityId);
  return identity;
}

/** Reads the identity of a call's path and keeps it as it is until the transaction ends. Throws 404 where there is none. */
export async function getHeldIdentity(call: AnyWrite): Promise<Identity> {
  const key = identityKeyOf(call);
  const identity = await holdIdentity(call.db, key);
  if (identity === undefined) throw notFound("Identity", key.identityId);
  return identity;
}

/** The settings of a new identity of the call's realm, or what is wrong with them. */
export async function checkNewIdentity(call: AnyWrite, body: IdentityBody): Promise<Checked<IdentitySettings>> {
  const surroundings = await readSurroundings(call.db, realmOf(call), body.traits?.username ?? "");
  return createIdentity(body, surroundings);
}

/** The settings of an identity after a change, or what is wrong with them. */
export async function checkIdentityChange(
  call: AnyWrite,
  identity: Identity,
  body: IdentityBody,
): Promise<Checked<IdentitySettings>> {
  const username = body.traits?.username ?? "";
  const isKept = subjectKey(username) === identity.usernameKey;
  const surroundings = await readSurroundings(call.db, identity.key, isKept ? "" : username);
  return updateIdentity(settingsOf(identity), body, surroundings);
}

/**
 * Stores a new identity of the call's realm. It holds no roles, so it is nobody that rule 1 would protect.
 *
 * @throws ManagementError 403 where it would take the address of somebody who holds more than the caller (rule 1)
 */
export async function storeNewIdentity(call: AnyWrite, settings: IdentitySettings): Promise<ShownIdentity> {
  const key = { ...realmOf(call), identityId: hexId(call.deps.random) };
  await demandAddress(call, settings);
  await insertIdentity(call.db, key, { settings, emailVerified: false }, call.nowMs);
  const { display_name: displayName, status, traits } = settings;
  return { key, displayName, status, traits, version: 1, createdAtMs: call.nowMs, updatedAtMs: call.nowMs };
}

/**
 * Stores what an identity, which the call holds, is changed to.
 *
 * @returns it as it is then, and the names of what changed: never values, which are personal
 * @throws ManagementError 403 where it would say who can log in as somebody who holds more than the caller (rule 1)
 */
export async function storeIdentityChange(
  call: AnyWrite,
  identity: Identity,
  settings: IdentitySettings,
): Promise<{ readonly identity: ShownIdentity; readonly changed: readonly string[] }> {
  const before = settingsOf(identity);
  if (changesLogin(before, settings))
    await demandPowerOver(call, identity.key, { identityIds: [identity.key.identityId] });
  await demandAddress(call, settings, identity);
  await updateIdentitySettings(call.db, identity.key, settings, call.nowMs);
  const { display_name: displayName, status, traits } = settings;
  const changed = { ...identity, displayName, status, traits, version: identity.version + 1, updatedAtMs: call.nowMs };
  return { identity: changed, changed: listChangedMembers(before, settings) };
}

/** Deletes an identity that the call holds: it leaves its groups and roles, and its tokens are dead. Throws 403 as rule 1 says. */
export async function removeIdentity(call: AnyWrite, { key }: Identity): Promise<void> {
  await demandPowerOver(call, key, { identityIds: [key.identityId] });
  await deleteIdentity(call.db, key, call.nowMs);
}

/**
 * Deletes identities of the call's realm, all or none.
 *
 * @throws ManagementError 400 for one that is named twice, 404 naming those that there are not, 403 as rule 1 says
 */
export async function removeIdentities(call: AnyWrite, ids: readonly string[]): Promise<void> {
  const repeats = refuseRepeats("ids", ids);
  if (repeats.length > 0) throw fieldViolations(repeats);
  const held = new Set(await holdDoomedIdentities(call.db, realmOf(call), ids));
  const unknown = ids.filter((id) => !held.has(id));
  if (unknown.length > 0) throw someNotFound("Identity", unknown);
  await demandPowerOver(call, realmOf(call), { identityIds: ids });
  await deleteIdentities(call.db, realmOf(call), ids, call.nowMs);
  for (const id of ids) call.record({ ...IDENTITY_EVENT, action: "DELETE", id });
}

// Login by mail needs exactly one match (reference 2.3), so that whoever gets an address locks out who has it already.
async function demandAddress(call: AnyWrite, { traits }: IdentitySettings, own?: Identity): Promise<void> {
  const address = traits.primary_email_address;
  if (!address || subjectKey(address) === own?.emailKey) return;
  const holders = await findIdentitiesByEmail(call.db, realmOf(call), subjectKey(address));
  const identityIds = holders.map(({ key }) => key.identityId);
  if (identityIds.length > 0) await demandPowerOver(call, realmOf(call), { identityIds });
}

// Most user names are addresses, which no client_id can be.
async function readSurroundings(db: Queryable, realm: RealmKey, username: string): Promise<UsernameSurroundings> {
  const key = subjectKey(username);
  const isTaken = checkClientId(key) === undefined && (await hasClientIdLike(db, realm, key));
  return { isClientId: () => isTaken };
}

function listChangedMembers(before: IdentitySettings, after: IdentitySettings): readonly string[] {
  const own = listChanged({ ...before, traits: "" }, { ...after, traits: "" });
  return [...own, ...listChanged(before.traits, after.traits).map((name) => `traits.${name}`)];
}
