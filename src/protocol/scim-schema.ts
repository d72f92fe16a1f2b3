// What SCIM knows of people and groups here: the schemas that discovery shows (RFC 7643 §7), and by which bodies are read.

/** An attribute of a schema, as RFC 7643 §7 describes one. */
export interface ScimAttribute {
  readonly name: string;
  readonly type: "string" | "boolean" | "complex";
  readonly multiValued: boolean;
  readonly description: string;
  readonly required: boolean;
  readonly caseExact: boolean;
  readonly mutability: "readOnly" | "readWrite" | "writeOnly";
  readonly returned: "always" | "default" | "never";
  readonly uniqueness: "none" | "server";
  readonly subAttributes?: readonly ScimAttribute[];
}

/** A schema (RFC 7643 §7). */
export interface ScimSchema {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly attributes: readonly ScimAttribute[];
}

/** A type of resources: what its bodies may say. */
export interface ScimModel {
  readonly name: "User" | "Group";
  /** where its resources are, below the base */
  readonly endpoint: "/Users" | "/Groups";
  readonly description: string;
  readonly core: ScimSchema;
  readonly extension: ScimSchema;
}

const PLAIN = {
  type: "string",
  multiValued: false,
  required: false,
  caseExact: false,
  mutability: "readWrite",
  returned: "default",
  uniqueness: "none",
} as const;

function text(name: string, description: string, more: Partial<ScimAttribute> = {}): ScimAttribute {
  return { name, ...PLAIN, description, ...more };
}

function complex(name: string, description: string, subAttributes: readonly ScimAttribute[]): ScimAttribute {
  return { name, ...PLAIN, type: "complex", description, subAttributes };
}

const DISPLAY_NAME = "The name that is shown to people.";

/** Attributes that all resources have and no schema names (RFC 7643 §3.1). */
export const COMMON_ATTRIBUTES: readonly ScimAttribute[] = [
  { ...text("schemas", "The schemas that the resource uses."), multiValued: true, mutability: "readOnly" },
  text("id", "What the resource is called here.", { mutability: "readOnly", caseExact: true, returned: "always" }),
  text("externalId", "What the resource is called where it comes from.", { caseExact: true }),
  { ...complex("meta", "What is known of the resource itself.", []), mutability: "readOnly" },
];

const EMAILS: ScimAttribute = {
  ...complex("emails", "Addresses, of which the primary one is kept.", [
    text("value", "The address."),
    text("type", "Its use: read in paths, and not kept.", { returned: "never" }),
    { ...text("primary", "Whether it is the one to be used: true."), type: "boolean" },
  ]),
  multiValued: true,
};

/** Users: the identities of a realm. */
export const SCIM_USER: ScimModel = {
  name: "User",
  endpoint: "/Users",
  description: "Identities of the realm",
  core: {
    id: "urn:ietf:params:scim:schemas:core:2.0:User",
    name: "User",
    description: "Somebody who can log in",
    attributes: [
      text("userName", "The name by which somebody logs in, once in a realm.", {
        required: true,
        uniqueness: "server",
      }),
      complex("name", "The parts of a name.", [
        text("givenName", "The given name."),
        text("familyName", "The family name."),
      ]),
      text("displayName", DISPLAY_NAME),
      { ...text("active", "Whether the user can log in."), type: "boolean" },
      EMAILS,
    ],
  },
  extension: {
    id: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    name: "EnterpriseUser",
    description: "Somebody's place in an organization",
    attributes: [
      text("employeeNumber", "What the organization calls the user."),
      text("costCenter", "The cost center."),
      text("organization", "The organization."),
      text("division", "The division."),
      text("department", "The department."),
      complex("manager", "Who the user's manager is.", [
        text("value", "The manager's id."),
        text("displayName", "The manager's name."),
      ]),
    ],
  },
};

/** Groups of a realm. */
export const SCIM_GROUP: ScimModel = {
  name: "Group",
  endpoint: "/Groups",
  description: "Groups of the realm",
  core: {
    id: "urn:ietf:params:scim:schemas:core:2.0:Group",
    name: "Group",
    description: "A group of users",
    attributes: [
      text("displayName", DISPLAY_NAME, { required: true, uniqueness: "server" }),
      {
        ...complex("members", "Who is in the group: written, and never returned.", [
          text("value", "The id of a user.", { caseExact: true }),
          text("display", "The user's name: not kept.", { returned: "never" }),
          text("type", "User: not kept.", { returned: "never" }),
        ]),
        multiValued: true,
        mutability: "writeOnly",
        returned: "never",
      },
    ],
  },
  extension: {
    id: "urn:scim:schemas:extension:byndid:1.0:Group",
    name: "GroupDescription",
    description: "What a group is for",
    attributes: [text("description", "What the group is for.")],
  },
};
