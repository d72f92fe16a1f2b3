import type { Queryable } from "../../src/database/database.ts";
import type { ListPage } from "../../src/database/list-statements.ts";
import type { RealmKey } from "../../src/protocol/client-metadata.ts";
import { type Filter, parseFilter } from "../../src/protocol/scim-filter.ts";
import * as applications from "../../src/resources/application/queries.ts";
import * as authenticatorConfigs from "../../src/resources/authenticator-config/queries.ts";
import * as groups from "../../src/resources/group/queries.ts";
import * as identities from "../../src/resources/identity/queries.ts";
import * as realms from "../../src/resources/realm/queries.ts";
import * as resourceServers from "../../src/resources/resource-server/queries.ts";
import * as roles from "../../src/resources/role/queries.ts";
import * as scim from "../../src/resources/scim/queries.ts";
import type { TenantInUse } from "./tenancy-scenario.ts";

const FIRST = { after: "", limit: 10 };

const FILTER = 'id pr and not (display_name eq "x") or create_time lt "2020-01-01T00:00:00Z"';
const SCIM_FILTER = 'id pr and not (displayName eq "x") or meta.created lt "2020-01-01T00:00:00Z"';

/** A list of the tenant's: its page, its count, and the look-ups by an index that its filters know. */
interface ListInUse {
  readonly page: (db: Queryable, page: ListPage) => Promise<readonly unknown[]>;
  readonly count: (db: Queryable, filter?: Filter) => Promise<number>;
  readonly lookUps: readonly string[];
  /** by columns of every kind, where the names of the attributes are others */
  readonly filter?: string;
}

/** Sends each list's statements, with and without filters. */
export async function noteLists(used: TenantInUse, note: Queryable, db: Queryable): Promise<void> {
  for (const list of await listsInUse(used, db)) {
    await list.page(note, FIRST);
    await list.count(note);
    // By columns of every kind, and by what an index finds: the tenant is named in both.
    const filters = [list.filter ?? FILTER, ...list.lookUps];
    for (const filter of filters.map(parseFilter)) {
      await list.page(note, { ...FIRST, filter });
      await list.count(note, filter);
    }
  }
}

async function listsInUse({ tenant, flow, job, resourceServer }: TenantInUse, db: Queryable): Promise<ListInUse[]> {
  const { realm } = tenant;
  const role = await roles.findRole(db, { ...realm, roleId: flow.role.roleId });
  const [group] = await groups.listGroups(db, realm, FIRST);
  const identity = await identities.findIdentity(db, { ...realm, identityId: flow.identityId });
  const names = { user: identity?.usernameKey, group: group?.settings.display_name };
  return [
    ...scimLists(realm, names),
    {
      page: (on, page) => realms.listRealms(on, tenant.tenantId, page),
      count: (on, filter) => realms.countRealms(on, tenant.tenantId, filter),
      lookUps: [],
    },
    {
      page: (on, page) => resourceServers.listResourceServers(on, realm, page),
      count: (on, filter) => resourceServers.countResourceServers(on, realm, filter),
      lookUps: [`identifier eq "${resourceServer.settings.identifier}"`],
    },
    {
      page: (on, page) => roles.listRoles(on, realm, page),
      count: (on, filter) => roles.countRoles(on, realm, filter),
      lookUps: [],
    },
    {
      page: (on, page) => roles.listRolesOfServer(on, { ...realm, ...resourceServer }, page),
      count: (on, filter) => roles.countRolesOfServer(on, { ...realm, ...resourceServer }, filter),
      lookUps: [`display_name eq "${role?.settings.display_name}"`],
    },
    {
      page: (on, page) => identities.listIdentities(on, realm, page),
      count: (on, filter) => identities.countIdentities(on, realm, filter),
      lookUps: [`traits.username eq "${identity?.usernameKey}"`],
    },
    {
      page: (on, page) => groups.listGroups(on, realm, page),
      count: (on, filter) => groups.countGroups(on, realm, filter),
      lookUps: [`display_name eq "${group?.settings.display_name}"`],
    },
    {
      page: (on, page) => applications.listApplications(on, realm, page),
      count: (on, filter) => applications.countApplications(on, realm, filter),
      lookUps: [`protocol_config.client_id eq "${job.clientId}"`],
    },
    {
      page: (on, page) => authenticatorConfigs.listShownAuthenticatorConfigs(on, realm, page),
      count: (on, filter) => authenticatorConfigs.countShownAuthenticatorConfigs(on, realm, filter),
      lookUps: [],
    },
    {
      page: (on, page) => authenticatorConfigs.listAuthenticatorConfigs(on, realm, page),
      count: (on, filter) => authenticatorConfigs.countAuthenticatorConfigs(on, realm, filter),
      lookUps: [],
    },
  ];
}

interface KnownNames {
  readonly user: string | undefined;
  readonly group: string | undefined;
}

function scimLists(realm: RealmKey, names: KnownNames): ListInUse[] {
  return [
    {
      page: (on, page) => scim.listScimUsers(on, realm, page),
      count: (on, filter) => scim.countScimUsers(on, realm, filter),
      lookUps: [`userName eq "${names.user}"`],
      filter: SCIM_FILTER,
    },
    {
      page: (on, page) => scim.listScimGroups(on, realm, page),
      count: (on, filter) => scim.countScimGroups(on, realm, filter),
      lookUps: [`displayName eq "${names.group}"`],
      filter: SCIM_FILTER,
    },
  ];
}
