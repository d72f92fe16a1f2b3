import type { Queryable } from "../../database/database.ts";
import type { FilterAttribute } from "../../database/filter-condition.ts";
import { declareList, type ListPage } from "../../database/list-statements.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import type { Filter } from "../../protocol/scim-filter.ts";
import { SCIM_GROUP, SCIM_USER } from "../../protocol/scim-schema.ts";
import { subjectKey } from "../../protocol/subject.ts";
import { type Group, toGroup } from "../group/queries.ts";
import { type Identity, toIdentity } from "../identity/queries.ts";
import { alive, NO_TOMBSTONE } from "../tombstone.ts";

// Identities and groups by the names that SCIM has for what they are (RFC 7643 §4, §8.7).

type Attributes = Readonly<Record<string, FilterAttribute>>;

function trait(name: string): FilterAttribute {
  return { type: "text", sql: `(traits ->> '${name}')` };
}

const ADDRESS: FilterAttribute = { type: "text", sql: "email_key", foldedBy: subjectKey, index: NO_TOMBSTONE };
const TIMES: Attributes = {
  "meta.created": { type: "time", sql: "created_at_ms" },
  "meta.lastModified": { type: "time", sql: "updated_at_ms" },
};

const USER: Attributes = {
  userName: { type: "text", sql: "username_key", foldedBy: subjectKey, index: NO_TOMBSTONE },
  displayName: { type: "text", sql: "display_name" },
  active: { type: "boolean", sql: "(status = 'active')" },
  "name.givenName": trait("given_name"),
  "name.familyName": trait("family_name"),
  emails: ADDRESS,
  "emails.value": ADDRESS,
  "emails.type": { type: "text", sql: "(CASE WHEN email_key IS NOT NULL THEN 'work' END)" },
  "emails.primary": { type: "boolean", sql: "(CASE WHEN email_key IS NOT NULL THEN true END)" },
};

const ENTERPRISE: Attributes = {
  employeeNumber: trait("employee_number"),
  costCenter: trait("cost_center"),
  organization: trait("organization"),
  division: trait("division"),
  department: trait("department"),
  "manager.value": trait("manager_id"),
  "manager.displayName": trait("manager_name"),
};

const users = declareList({
  name: "scim_user",
  from: "identities",
  owner: ["tenant_id", "realm_id"],
  id: "identity_id",
  where: alive(),
  counted: "by triggers",
  noun: "identity",
  attributes: {
    id: { type: "exact text", sql: "identity_id" },
    externalId: { type: "exact text", sql: "(traits ->> 'external_id')" },
    ...TIMES,
    ...USER,
    ...withUrn(SCIM_USER.core.id, USER),
    ...withUrn(SCIM_USER.extension.id, ENTERPRISE),
  },
});

const GROUP: Attributes = {
  displayName: { type: "text", sql: "display_name_key", foldedBy: subjectKey, index: NO_TOMBSTONE },
};

const groups = declareList({
  name: "scim_group",
  from: "groups",
  owner: ["tenant_id", "realm_id"],
  id: "group_id",
  where: alive(),
  counted: "by triggers",
  noun: "group",
  attributes: {
    id: { type: "exact text", sql: "group_id" },
    ...TIMES,
    ...GROUP,
    ...withUrn(SCIM_GROUP.core.id, GROUP),
    ...withUrn(SCIM_GROUP.extension.id, { description: { type: "text", sql: "description" } }),
  },
});

/** Reads a page of the users of a realm, in the order of their ids. */
export async function listScimUsers(db: Queryable, realm: RealmKey, page: ListPage): Promise<Identity[]> {
  return (await users.page(db, [realm.tenantId, realm.realmId], page)).map(toIdentity);
}

/** Counts the users of a realm, or those of them that pass the filter. */
export async function countScimUsers(db: Queryable, realm: RealmKey, filter?: Filter): Promise<number> {
  return users.count(db, [realm.tenantId, realm.realmId], filter);
}

/** Reads a page of the groups of a realm, in the order of their ids. */
export async function listScimGroups(db: Queryable, realm: RealmKey, page: ListPage): Promise<Group[]> {
  return (await groups.page(db, [realm.tenantId, realm.realmId], page)).map(toGroup);
}

/** Counts the groups of a realm, or those of them that pass the filter. */
export async function countScimGroups(db: Queryable, realm: RealmKey, filter?: Filter): Promise<number> {
  return groups.count(db, [realm.tenantId, realm.realmId], filter);
}

function withUrn(urn: string, attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).map(([name, attribute]) => [`${urn}:${name}`, attribute]));
}
