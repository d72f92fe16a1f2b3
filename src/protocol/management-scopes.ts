// The built-in resource server of the management API: its identifier and its 63 scopes (reference 2.1).

/** The audience that is reserved for the management API. */
export const MANAGEMENT_IDENTIFIER = "beyondidentity";

const CRUD = ["create", "read", "update", "delete"] as const;

// The 43 of the origin's token page, then the 20 that the OpenAPI document adds.
const ACTIONS: readonly (readonly [noun: string, actions: readonly string[]])[] = [
  ["tenants", ["read", "update"]],
  ["realms", CRUD],
  ["identities", CRUD],
  ["groups", CRUD],
  ["applications", CRUD],
  ["authenticator-configs", CRUD],
  ["resource-servers", CRUD],
  ["policy-v1", ["create", "read"]],
  ["tokens", [...CRUD, "introspect"]],
  ["credentials", ["read", "revoke"]],
  ["credential-binding-jobs", ["create", "read"]],
  ["themes", ["create", "read", "update"]],
  ["events", ["read"]],
  ["console-configs", ["read", "update"]],
  ["roles", CRUD],
  ["sso-configs", CRUD],
  ["flow-type", ["create", "read", "update"]],
  ["credential-binding-jobs", ["revoke"]],
  ["scim:users", CRUD],
  ["scim:groups", CRUD],
];

/** Every scope of the management API, `<noun>:<action>`. */
export const MANAGEMENT_SCOPES: readonly string[] = ACTIONS.flatMap(([noun, actions]) =>
  actions.map((action) => `${noun}:${action}`),
);
