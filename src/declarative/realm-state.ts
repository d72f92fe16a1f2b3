import type { Queryable } from "../database/database.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import { subjectKey } from "../protocol/subject.ts";
import { type Application, listApplications } from "../resources/application/queries.ts";
import { type AuthenticatorConfig, listAuthenticatorConfigs } from "../resources/authenticator-config/queries.ts";
import { type Group, listGroups } from "../resources/group/queries.ts";
import { findNamedIdentities, type Identity, listIdentities } from "../resources/identity/queries.ts";
import { listResourceServers, type ResourceServer } from "../resources/resource-server/queries.ts";
import { listRoles, type Role } from "../resources/role/queries.ts";
import type { DeclaredRealm } from "./file-schema.ts";

const PAGE = 1000;

/** What is stored of a realm, as far as the file has to do with it. */
export interface RealmState {
  readonly servers: readonly ResourceServer[];
  readonly configs: readonly AuthenticatorConfig[];
  readonly groups: readonly Group[];
  readonly applications: readonly Application[];
  readonly roles: readonly Role[];
  /** those that the file names in any way; all of them where unnamed ones are to be deleted */
  readonly identities: readonly Identity[];
}

/** Reads a realm's state; of a new realm there is none. */
export async function readRealmState(
  db: Queryable,
  realm: RealmKey,
  declared: DeclaredRealm,
  options: { readonly withAllIdentities: boolean },
): Promise<RealmState> {
  return {
    servers: await readAll(
      (page) => listResourceServers(db, realm, page),
      (server) => server.key.resourceServerId,
    ),
    configs: await readAll(
      (page) => listAuthenticatorConfigs(db, realm, page),
      (config) => config.key.authenticatorConfigId,
    ),
    groups: await readAll(
      (page) => listGroups(db, realm, page),
      (group) => group.key.groupId,
    ),
    applications: await readAll(
      (page) => listApplications(db, realm, page),
      (application) => application.key.applicationId,
    ),
    roles: await readAll(
      (page) => listRoles(db, realm, page),
      (role) => role.key.roleId,
    ),
    identities: options.withAllIdentities
      ? await readAll(
          (page) => listIdentities(db, realm, page),
          (identity) => identity.key.identityId,
        )
      : await findNamedIdentities(db, realm, identityNames(declared)),
  };
}

/** Reads a list to its end, page by page. */
export async function readAll<T>(
  read: (page: { after: string; limit: number }) => Promise<readonly T[]>,
  idOf: (item: T) => string,
): Promise<T[]> {
  const all: T[] = [];
  for (;;) {
    const last = all.at(-1);
    const page = await read({ after: last === undefined ? "" : idOf(last), limit: PAGE });
    all.push(...page);
    if (page.length < PAGE) return all;
  }
}

// Everything in the file that may be an identity's id or user name, or must not be one (rule 2).
function identityNames(declared: DeclaredRealm): { ids: string[]; usernameKeys: string[] } {
  const identities = declared.identities ?? [];
  const roles = (declared.resource_servers ?? []).flatMap((server) => server.roles ?? []);
  const references = [
    ...(declared.groups ?? []).flatMap((group) => group.members ?? []),
    ...roles.flatMap((role) => role.identities ?? []),
    ...(declared.authenticator_configs ?? []).flatMap(
      ({ config }) => config?.roaming_auth_config?.allowed_user_ids ?? [],
    ),
  ];
  const clientIds = (declared.applications ?? []).flatMap(
    (application) => application.protocol_config?.client_id ?? [],
  );
  const usernames = identities.flatMap((identity) => identity.traits?.username ?? []);
  return {
    ids: [...identities.flatMap((identity) => identity.id ?? []), ...references],
    usernameKeys: [...usernames, ...references, ...clientIds].map(subjectKey),
  };
}
