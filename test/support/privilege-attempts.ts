import { MANAGEMENT_SCOPES } from "../../src/protocol/management-scopes.ts";
import { type AdminWorld, consoleOf, robotOf } from "./admin-world.ts";

// What somebody sends who holds a scope or two and wants more. A new operation that changes something adds its line.

/** One try: the ids of the path, and the body. */
export interface Attempt {
  readonly ids?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

type Attempts = (world: AdminWorld, held: readonly string[]) => readonly Attempt[];

const named =
  (wrapper: string): Attempts =>
  () => [{ body: { [wrapper]: { display_name: "Mine" } } }];
const members =
  (list: (world: AdminWorld) => object): Attempts =>
  (world) => [{ body: list(world) }];
const patch = (operation: object) => ({ Operations: [operation] });
const OPEN_PAGE = { config: { authentication_methods: [{ type: "email_one_time_password" }] } };

/** By operation. What reads needs no line. */
export const ATTEMPTS: Readonly<Record<string, Attempts>> = {
  CreateRealm: named("realm"),
  UpdateRealm: named("realm"),
  DeleteRealm: () => [{}],
  CreateGroup: named("group"),
  UpdateGroup: named("group"),
  DeleteGroup: () => [{}],
  AddGroupMembers: members(({ nobody }) => ({ identity_ids: [nobody] })),
  DeleteGroupMembers: members(({ administrator }) => ({ identity_ids: [administrator] })),
  CreateIdentity: () => [
    { body: { identity: { display_name: "Mine", traits: { type: "traits_v0", username: "mine" } } } },
  ],
  UpdateIdentity: () => [
    { body: { identity: { status: "suspended" } } },
    { body: { identity: { traits: { type: "traits_v0", primary_email_address: "thief@example.com" } } } },
  ],
  DeleteIdentity: () => [{}],
  BatchDeleteIdentities: members(({ administrator }) => ({ ids: [administrator] })),
  SCIMCreateUser: () => [{ body: { userName: "mine by scim" } }],
  SCIMUpdateUser: () => [{ body: patch({ op: "replace", path: "emails", value: [{ value: "thief@example.com" }] }) }],
  SCIMReplaceUser: () => [{ body: { userName: "thief" } }],
  SCIMDeleteUser: () => [{}],
  SCIMCreateGroup: ({ administrator }) => [
    { body: { displayName: "Mine by SCIM", members: [{ value: administrator }] } },
  ],
  SCIMUpdateGroup: ({ nobody }) => [
    { body: patch({ op: "add", path: "members", value: [{ value: nobody }] }) },
    { body: patch({ op: "remove", path: "members" }) },
  ],
  SCIMReplaceGroup: ({ nobody }) => [{ body: { displayName: "Mine", members: [{ value: nobody }] } }],
  SCIMDeleteGroup: () => [{}],
  CreateResourceServer: () => [
    {
      body: { resource_server: { display_name: "Mine", identifier: "beyondidentity", scopes: [...MANAGEMENT_SCOPES] } },
    },
  ],
  UpdateResourceServer: () => [{ body: { resource_server: { scopes: [...MANAGEMENT_SCOPES, "mine"] } } }],
  DeleteResourceServer: () => [{}],
  CreateRole: () => [{ body: { role: { display_name: "Mine", scopes: [...MANAGEMENT_SCOPES] } } }],
  UpdateRole: () => [{ body: { role: { display_name: "Mine", scopes: [] } } }],
  DeleteRole: () => [{}],
  AddRoleMembers: ({ administrator, nobody, emptyRole }) => [
    { body: { identity_ids: [nobody] } },
    { ids: { role: emptyRole }, body: { identity_ids: [administrator] } },
  ],
  DeleteRoleMembers: members(({ group }) => ({ group_ids: [group] })),
  AddRoleScopes: ({ emptyRole }) => [
    { body: { scopes: ["realms:read"] } },
    { ids: { role: emptyRole }, body: { scopes: [...MANAGEMENT_SCOPES] } },
  ],
  DeleteRoleScopes: () => [{ body: { scopes: ["realms:read"] } }],
  CreateApplication: ({ managedServer, config }, held) => [
    { body: { application: consoleOf(managedServer, config) } },
    { body: { application: robotOf(managedServer, MANAGEMENT_SCOPES) } },
    { body: { application: robotOf(managedServer, [...new Set([...held, "tokens:introspect", "realms:read"])]) } },
    { body: { application: robotOf(managedServer, held) } },
  ],
  UpdateApplication: ({ managedServer, console, management }) => [
    { body: { application: { protocol_config: { allowed_scopes: [...MANAGEMENT_SCOPES] } } } },
    { body: { application: { display_name: "Mine", protocol_config: { allowed_scopes: [] } } } },
    {
      ids: { application: console.key.applicationId },
      body: { application: { protocol_config: { redirect_uris: ["https://thief.example/in"] } } },
    },
    { ids: { application: management }, body: { application: robotOf(managedServer) } },
  ],
  DeleteApplication: () => [{}],
  RotateApplicationSecret: ({ console, management }) => [
    { body: {} },
    { ids: { application: management }, body: { overlap_seconds: 60 } },
    { ids: { application: console.key.applicationId }, body: {} },
  ],
  ApplyTokenUsage: ({ console, management }) => [
    { body: { default_expires_after: 60 } },
    { ids: { application: management }, body: { default_expires_after: 60 } },
    { ids: { application: console.key.applicationId }, body: { default_expires_after: 60 } },
  ],
  CreateAuthenticatorConfig: () => [{ body: { authenticator_config: { config: { type: "hosted_web" } } } }],
  UpdateAuthenticatorConfig: () => [{ body: { authenticator_config: OPEN_PAGE } }],
  DeleteAuthenticatorConfig: () => [{}],
  CreateTheme: () => [{ body: { theme: { support_url: "https://thief.example" } } }],
  UpdateTheme: () => [{ body: { theme: { support_url: "https://thief.example" } } }],
  RevokeCredential: () => [{}],
  UpdateTenant: () => [{ body: { tenant: { display_name: "Mine" } } }],
  AdvanceClock: () => [{ body: { seconds: 1 } }],
  RevokeToken: () => [{}],
  CreateTokenRevocation: ({ administrator, management, console }) => [
    { body: { token_revocation: { filter: { issued_before: 2 } } } },
    { body: { token_revocation: { filter: { identity_id: administrator } } } },
    { body: { token_revocation: { filter: { application_id: management } } } },
    {
      body: {
        token_revocation: {
          action: "shorten",
          expiration_time: 1,
          filter: { application_id: console.key.applicationId },
        },
      },
    },
  ],
  ShortenToken: () => [{ body: { expiration_time: 1 } }],
  RotateKeys: () => [{ body: { algorithm: "ES256" } }],
  ApplyTenant: ({ tenant }) => [{ body: { id: tenant.tenantId, prune: true, realms: [] } }],
  CreateCredentialBindingJob: ({ config }) => [
    { body: { job: { delivery_method: "RETURN", authenticator_config_id: config } } },
    { body: { job: { delivery_method: "EMAIL", authenticator_config_id: config } } },
  ],
  SetCredentialBindingJobRevoked: () => [{}],
  CreateBatchCredentialBindingJob: ({ administrator, config }) => [
    {
      body: {
        batch_credential_binding_job: {
          identity_ids: [administrator],
          job_template: { authenticator_config_id: config },
        },
      },
    },
  ],
  CreatePolicy: () => [
    { body: { policy: { rules: [], default_action: "ALLOW" } } },
    { body: { policy: { rules: [], default_action: "DENY" } } },
  ],
  EvaluatePolicy: ({ administrator }) => [
    { body: { transaction: { type: "authentication", identity_id: administrator } } },
  ],
  UpdateConsoleConfig: () => [{ body: { console_config: { support_url: "https://thief.example" } } }],
};
