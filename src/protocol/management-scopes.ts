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

/** What it takes to read a tenant as a declarative file, which shows all of these nouns. */
export const EXPORT_SCOPES: readonly string[] = MANAGEMENT_SCOPES.filter((scope) =>
  /^(tenants|realms|identities|groups|applications|authenticator-configs|resource-servers|roles):read$/.test(scope),
);

const ALL_OF_SCIM = "scim:all";
const SCIM_SCOPES = MANAGEMENT_SCOPES.filter((scope) => scope.startsWith("scim:"));

/**
 * Scopes of the built-in resource server as they were written or asked for, with the eight of SCIM in place of `scim:all`, which implies
 * them (reference 6 #44). It is a name for them and none of the 63 (mayfly.md section 8): no application, role or token holds it, so that
 * nothing that compares scopes, rule 1 before all, has two ways to say the same.
 */
export function expandManagementScopes(scopes: readonly string[]): readonly string[] {
  if (!scopes.includes(ALL_OF_SCIM)) return scopes;
  const named = scopes.filter((scope) => scope !== ALL_OF_SCIM);
  return [...named, ...SCIM_SCOPES.filter((scope) => !named.includes(scope))];
}
