import type { Queryable } from "../database/database.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import { type Application, listApplications } from "../resources/application/queries.ts";
import { listAuthenticatorConfigs } from "../resources/authenticator-config/queries.ts";
import { listGroupMembers, listGroups } from "../resources/group/queries.ts";
import { listIdentities, settingsOf } from "../resources/identity/queries.ts";
import { listRealms, type Realm } from "../resources/realm/queries.ts";
import { listResourceServers, type ResourceServer } from "../resources/resource-server/queries.ts";
import { listRoleMembers, listRoles, type Role } from "../resources/role/queries.ts";
import { findTenant } from "../resources/tenant/queries.ts";
import type {
  DeclaredApplication,
  DeclaredGroup,
  DeclaredIdentity,
  DeclaredRealm,
  DeclaredResourceServer,
  DeclaredRole,
  DeclaredTenant,
} from "./file-schema.ts";
import { readAll } from "./realm-state.ts";

/** Most objects and memberships of one export: it is read in one transaction and answered as one text. */
const EXPORT_OBJECTS_MAX = 20_000;

/** A tenant has more in it than one answer holds. */
export class ExportTooLarge extends Error {
  constructor() {
    super(`the tenant holds more than ${EXPORT_OBJECTS_MAX} objects and memberships`);
    this.name = "ExportTooLarge";
  }
}

/** What an export reads with, and how much it may still read. */
interface Reading {
  readonly db: Queryable;
  readonly withPeople: boolean;
  left: number;
}

/**
 * A tenant as its part of a declarative file: applying it changes nothing. Objects refer to each other by id, client secrets are
 * left out, and so is the Management API application, which the server makes for itself.
 *
 * @param options `withPeople`: false leaves out identities and who belongs to groups and roles
 * @returns undefined when there is no such tenant
 * @throws ExportTooLarge
 */
export async function exportTenant(
  db: Queryable,
  tenantId: string,
  options: { readonly withPeople: boolean },
): Promise<DeclaredTenant | undefined> {
  const tenant = await findTenant(db, tenantId);
  if (tenant === undefined) return undefined;
  const reading: Reading = { db, withPeople: options.withPeople, left: EXPORT_OBJECTS_MAX };
  const realms = await readSome(
    reading,
    (page) => listRealms(db, tenantId, page),
    (realm) => realm.key.realmId,
  );
  const exported: DeclaredRealm[] = [];
  for (const realm of realms) exported.push(await exportRealm(reading, realm));
  return { id: tenantId, test: tenant.kind === "test", ...tenant.settings, realms: exported };
}

async function exportRealm(reading: Reading, { key, isAdmin, settings }: Realm): Promise<DeclaredRealm> {
  const { db } = reading;
  const configs = await readSome(
    reading,
    (page) => listAuthenticatorConfigs(db, key, page),
    (config) => config.key.authenticatorConfigId,
  );
  const applications = await readSome(
    reading,
    (page) => listApplications(db, key, page),
    (application) => application.key.applicationId,
  );
  return {
    id: key.realmId,
    is_admin: isAdmin,
    ...settings,
    resource_servers: await exportServers(reading, key),
    authenticator_configs: configs.map((config) => ({ id: config.key.authenticatorConfigId, ...config.settings })),
    groups: await exportGroups(reading, key),
    ...(reading.withPeople ? { identities: await exportIdentities(reading, key) } : {}),
    applications: applications.filter(({ isManaged }) => !isManaged).map(toDeclaredApplication),
  };
}

async function exportServers(reading: Reading, realm: RealmKey): Promise<DeclaredResourceServer[]> {
  const servers = await readSome(
    reading,
    (page) => listResourceServers(reading.db, realm, page),
    (server) => server.key.resourceServerId,
  );
  const roles = await readSome(
    reading,
    (page) => listRoles(reading.db, realm, page),
    (role) => role.key.roleId,
  );
  const exported: DeclaredResourceServer[] = [];
  for (const server of servers) {
    const own = roles.filter((role) => role.resourceServerId === server.key.resourceServerId);
    exported.push(await exportServer(reading, server, own));
  }
  return exported;
}

// The built-in resource server and its role have other ids in another installation: there their names find them.
async function exportServer(
  reading: Reading,
  { key, isManaged, settings }: ResourceServer,
  roles: readonly Role[],
): Promise<DeclaredResourceServer> {
  const exported: DeclaredRole[] = [];
  for (const role of roles) exported.push(await exportRole(reading, role, isManaged));
  return { ...(isManaged ? {} : { id: key.resourceServerId }), ...settings, roles: exported };
}

async function exportRole(reading: Reading, { key, settings }: Role, isManaged: boolean): Promise<DeclaredRole> {
  const members = (kind: "group" | "identity") =>
    readSome(
      reading,
      (page) => listRoleMembers(reading.db, key, kind, page),
      (id) => id,
    );
  return {
    ...(isManaged ? {} : { id: key.roleId }),
    ...settings,
    groups: await members("group"),
    ...(reading.withPeople ? { identities: await members("identity") } : {}),
  };
}

async function exportGroups(reading: Reading, realm: RealmKey): Promise<DeclaredGroup[]> {
  const groups = await readSome(
    reading,
    (page) => listGroups(reading.db, realm, page),
    (group) => group.key.groupId,
  );
  const exported: DeclaredGroup[] = [];
  for (const { key, settings } of groups) {
    const read = (page: { after: string; limit: number }) => listGroupMembers(reading.db, key, page);
    const members = reading.withPeople ? { members: await readSome(reading, read, (id) => id) } : {};
    exported.push({ id: key.groupId, ...settings, ...members });
  }
  return exported;
}

async function exportIdentities(reading: Reading, realm: RealmKey): Promise<DeclaredIdentity[]> {
  const identities = await readSome(
    reading,
    (page) => listIdentities(reading.db, realm, page),
    (identity) => identity.key.identityId,
  );
  return identities.map((identity) => ({ id: identity.key.identityId, ...settingsOf(identity) }));
}

function toDeclaredApplication({ key, clientId, settings }: Application): DeclaredApplication {
  const { protocol_config, ...rest } = settings;
  return { id: key.applicationId, ...rest, protocol_config: { ...protocol_config, client_id: clientId } };
}

function readSome<T>(
  reading: Reading,
  read: (page: { after: string; limit: number }) => Promise<readonly T[]>,
  idOf: (item: T) => string,
): Promise<T[]> {
  const counted = async (page: { after: string; limit: number }) => {
    const items = await read(page);
    reading.left -= items.length;
    if (reading.left < 0) throw new ExportTooLarge();
    return items;
  };
  return readAll(counted, idOf);
}
