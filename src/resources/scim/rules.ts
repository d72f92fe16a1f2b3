// People and groups as SCIM says them, from and to the settings of the API's own nouns (reference 2.3).

import { fieldViolations, ManagementError } from "../../http/management-error.ts";
import { formatInstant } from "../../platform/clock.ts";
import { isObject } from "../../protocol/json-object.ts";
import { ScimError } from "../../protocol/scim-error.ts";
import type { ScimResource } from "../../protocol/scim-patch.ts";
import { type Projection, project } from "../../protocol/scim-projection.ts";
import { SCIM_GROUP, SCIM_USER, type ScimModel } from "../../protocol/scim-schema.ts";
import type { Group } from "../group/queries.ts";
import type { GroupBody } from "../group/schema.ts";
import type { ShownIdentity } from "../identity/rules.ts";
import type { IdentityBody, Traits } from "../identity/schema.ts";
import type { Checked } from "../settings.ts";

/** Entity tags are not supported: every version is this one (reference 2.3). */
const VERSION = "W/0";
const ENTERPRISE = SCIM_USER.extension.id;
const DESCRIPTION = SCIM_GROUP.extension.id;

/** Where SCIM has each trait that it writes, but for the address: names, one in the other. */
const PLACES: readonly (readonly [trait: keyof Traits, place: readonly string[]])[] = [
  ["username", ["userName"]],
  ["external_id", ["externalId"]],
  ["given_name", ["name", "givenName"]],
  ["family_name", ["name", "familyName"]],
  ["employee_number", [ENTERPRISE, "employeeNumber"]],
  ["cost_center", [ENTERPRISE, "costCenter"]],
  ["organization", [ENTERPRISE, "organization"]],
  ["division", [ENTERPRISE, "division"]],
  ["department", [ENTERPRISE, "department"]],
  ["manager_id", [ENTERPRISE, "manager", "value"]],
  ["manager_name", [ENTERPRISE, "manager", "displayName"]],
];

/** By the field that a rule names, what SCIM calls it. */
const FIELDS: ReadonlyMap<string, string> = new Map([
  ["identity.display_name", "displayName"],
  ["identity.traits.primary_email_address", "emails"],
  ["group.display_name", "displayName"],
  ["group.description", `${DESCRIPTION}:description`],
  ...PLACES.map(([trait, place]): [string, string] => [`identity.traits.${trait}`, nameOf(place)]),
]);

/** What PATCH changes of a user: all that SCIM writes. Only `type` of an address is added, for the filters of paths. */
export function userResourceOf({ displayName, status, traits }: ShownIdentity): ScimResource {
  const address = traits.primary_email_address;
  const emails = address ? { emails: [{ value: address, type: "work", primary: true }] } : {};
  const bare: ScimResource = { displayName, active: status === "active", ...emails };
  return PLACES.reduce((resource, [trait, place]) => {
    const value = traits[trait];
    return value ? putAt(resource, place, value) : resource;
  }, bare);
}

/**
 * A user as SCIM shows one.
 *
 * @param base the URL of the realm's SCIM service
 */
export function userAnswerOf(identity: ShownIdentity, base: string): ScimResource {
  const { emails, ...resource } = userResourceOf(identity);
  const value = identity.traits.primary_email_address;
  return {
    schemas: [SCIM_USER.core.id, ...(resource[ENTERPRISE] === undefined ? [] : [ENTERPRISE])],
    id: identity.key.identityId,
    ...resource,
    ...(emails === undefined ? {} : { emails: [{ value, primary: true }] }),
    meta: metaOf(SCIM_USER, { ...identity, location: locationOf(SCIM_USER, identity.key.identityId, base) }),
  };
}

/**
 * What a user of SCIM makes of an identity. What is not said is cleared, but for whether he may log in; and whoever has no name to be
 * shown is shown by the name that he logs in with.
 *
 * @throws ScimError `invalidValue` for addresses of which none is the one to keep
 */
export function identityBodyOf(user: ScimResource): IdentityBody {
  const { displayName, userName, emails, active } = user;
  const traits = Object.fromEntries(PLACES.map(([trait, place]) => [trait, textOf(findAt(user, place)) ?? null]));
  return {
    display_name: textOf(displayName) ?? textOf(userName) ?? null,
    ...(active === undefined ? {} : { status: active === true ? "active" : "suspended" }),
    traits: { ...traits, type: "traits_v0", primary_email_address: chooseAddress(emails) ?? null },
  };
}

/** What PATCH changes of a group, but for its members. */
export function groupResourceOf({ settings: { display_name, description } }: Group): ScimResource {
  return { displayName: display_name, ...(description === "" ? {} : { [DESCRIPTION]: { description } }) };
}

/** A group as SCIM shows one. `base` as of a user. */
export function groupAnswerOf(group: Group, base: string): ScimResource {
  const resource = groupResourceOf(group);
  return {
    schemas: [SCIM_GROUP.core.id, ...(resource[DESCRIPTION] === undefined ? [] : [DESCRIPTION])],
    id: group.key.groupId,
    ...resource,
    meta: metaOf(SCIM_GROUP, { ...group, location: locationOf(SCIM_GROUP, group.key.groupId, base) }),
  };
}

/** What a group of SCIM makes of a group. */
export function groupBodyOf(group: ScimResource): GroupBody {
  const description = textOf(findAt(group, [DESCRIPTION, "description"])) ?? "";
  return { display_name: textOf(group.displayName) ?? null, description };
}

/** A resource, or the parts of it that a query asks for. Throws 400 for what is no attribute's name. */
export function shown(resource: ScimResource, asked: Projection, model: ScimModel): ScimResource {
  return readSent(() => project(resource, asked, model));
}

/** The URL of a resource. */
export function locationOf({ endpoint }: ScimModel, id: string, base: string): string {
  return `${base}${endpoint}/${id}`;
}

/** The settings that a rule accepted. Throws 400 that says what is wrong with them by SCIM's names. */
export function demandScim<T>(checked: Checked<T>): T {
  if (checked.ok) return checked.value;
  throw fieldViolations(
    checked.violations.map(({ field, description }) => ({ field: FIELDS.get(field) ?? field, description })),
  );
}

/** Reads what was sent. Throws 400 with what SCIM calls the error. */
export function readSent<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ScimError)) throw error;
    throw new ManagementError("bad_request", error.message, { scimType: error.scimType, cause: error });
  }
}

/** Of several addresses the primary one is kept, and of one that one, unless it says that it is not (reference 2.3). */
function chooseAddress(emails: unknown): string | undefined {
  const all = Array.isArray(emails) ? emails.filter(isObject) : [];
  const [only] = all;
  if (only === undefined) return undefined;
  const primary = all.find((email) => email.primary === true) ?? (all.length === 1 ? only : undefined);
  if (primary === undefined || primary.primary === false) {
    throw new ScimError("invalidValue", "emails: one must be primary");
  }
  const address = textOf(primary.value);
  if (address === undefined) throw new ScimError("invalidValue", "emails: value: missing");
  return address;
}

interface Dated {
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly location: string;
}

function metaOf({ name }: ScimModel, { createdAtMs, updatedAtMs, location }: Dated): ScimResource {
  return {
    resourceType: name,
    created: formatInstant(createdAtMs),
    lastModified: formatInstant(updatedAtMs),
    location,
    version: VERSION,
  };
}

function nameOf([first = "", ...others]: readonly string[]): string {
  return first === ENTERPRISE ? `${first}:${others.join(".")}` : [first, ...others].join(".");
}

function putAt(resource: ScimResource, [first = "", ...others]: readonly string[], value: string): ScimResource {
  if (others.length === 0) return { ...resource, [first]: value };
  const inner = resource[first];
  return { ...resource, [first]: putAt(isObject(inner) ? inner : {}, others, value) };
}

function findAt(resource: unknown, place: readonly string[]): unknown {
  return place.reduce<unknown>((inner, name) => (isObject(inner) ? inner[name] : undefined), resource);
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
