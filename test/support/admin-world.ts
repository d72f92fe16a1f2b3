import { sha256 } from "../../src/platform/hash.ts";
import { hexId } from "../../src/platform/random.ts";
import { applicationPath } from "../../src/protocol/client-metadata.ts";
import { MANAGEMENT_SCOPES } from "../../src/protocol/management-scopes.ts";
import { insertIdentity } from "../../src/resources/identity/queries.ts";
import { createIdentity } from "../../src/resources/identity/rules.ts";
import { basic } from "./http.ts";
import { type ManagementClient, managementClient, succeed } from "./management-client.ts";
import { addPasskey } from "./test-credential.ts";
import { type TenantOptions, type TestApplication, type TestTenant, testTenant } from "./test-tenant.ts";

/** The admin realm of a tenant with an administrator, what she logs in to, a job with some power, and somebody without any. */
export interface AdminWorld {
  readonly tenant: TestTenant;
  /** with every scope */
  readonly api: ManagementClient;
  /** the admin realm's id */
  readonly realm: string;
  readonly managedServer: string;
  /** Super Administrators, held by `group` */
  readonly role: string;
  /** of the built-in resource server, without scopes and members */
  readonly emptyRole: string;
  readonly group: string;
  readonly administrator: string;
  readonly nobody: string;
  readonly config: string;
  /** the administrator's invitation to another passkey, open */
  readonly job: string;
  /** the administrator's passkey */
  readonly credential: string;
  /** what people log in to, with every scope and in every realm */
  readonly console: TestApplication;
  readonly management: string;
  readonly robot: string;
  /** what nobody may read who lacks a scope of it */
  readonly secrets: readonly string[];
}

export const ROBOT_SCOPES = ["realms:read", "events:read"];

/** Makes an admin realm with an administrator. */
export async function adminWorld(options: TenantOptions = {}): Promise<AdminWorld> {
  const tenant = await testTenant(options);
  const { realmId: realm } = tenant.adminRealm;
  const api = managementClient(tenant);
  const { resource_servers } = await succeed(api("ListResourceServers", { realm }));
  const managedServer = resource_servers[0]?.id ?? "";
  const server = { realm, resource_server: managedServer };
  const role = (await succeed(api("ListRoles", server))).roles[0]?.id ?? "";
  const { id: emptyRole } = await succeed(api("CreateRole", { ...server, body: { role: { display_name: "Empty" } } }));
  const { id: group } = await succeed(api("CreateGroup", { realm, body: { group: { display_name: "Admins" } } }));
  const [administrator, nobody] = [await addIdentity(tenant, "admin"), await addIdentity(tenant, "nobody")];
  await succeed(api("AddGroupMembers", { realm, group, body: { identity_ids: [administrator] } }));
  await succeed(api("AddRoleMembers", { ...server, role, body: { group_ids: [group] } }));
  const credential = await addPasskey(tenant, administrator, { realm: tenant.adminRealm });
  const hosted = { authenticator_config: { config: { type: "hosted_web" as const } } };
  const { id: config } = await succeed(api("CreateAuthenticatorConfig", { realm, body: hosted }));
  const { credential_binding_job: job } = await succeed(
    api("CreateCredentialBindingJob", {
      ...{ realm, identity: administrator },
      body: { job: { delivery_method: "RETURN", authenticator_config_id: config } },
    }),
  );
  const app = await succeed(
    api("CreateApplication", { realm, body: { application: consoleOf(managedServer, config) } }),
  );
  const robot = await succeed(api("CreateApplication", { realm, body: { application: robotOf(managedServer) } }));
  const { client_id, client_secret = "" } = app.protocol_config;
  const key = { ...tenant.adminRealm, applicationId: app.id };
  const issuer = `${tenant.server.url}${applicationPath(key)}`;
  const authorization = basic(client_id, client_secret);
  return {
    ...{
      tenant,
      api,
      realm,
      managedServer,
      role,
      emptyRole,
      group,
      administrator,
      nobody,
      config,
      credential,
      job: job.id,
    },
    console: { key, clientId: client_id, clientSecret: client_secret, issuer, authorization },
    management: tenant.management.key.applicationId,
    robot: robot.id,
    secrets: [client_secret, tenant.management.clientSecret, robot.protocol_config.client_secret ?? ""],
  };
}

const TOKENS = {
  expires_after: 3600,
  token_signing_algorithm: "ES256" as const,
  id_token_signed_response_alg: "ES256" as const,
};

/** An application of the admin realm that people log in to, with every scope. */
export function consoleOf(managedServer: string, config: string) {
  return {
    display_name: "Console",
    resource_server_id: managedServer,
    authenticator_config_id: config,
    target_realm: "*",
    protocol_config: {
      type: "oidc" as const,
      grant_type: ["authorization_code" as const],
      allowed_scopes: [...MANAGEMENT_SCOPES],
      redirect_uris: ["https://console.example/in"],
      pkce: "s256" as const,
      token_configuration: TOKENS,
    },
  };
}

/** An application of the admin realm that acts for itself. */
export function robotOf(managedServer: string, scopes: readonly string[] = ROBOT_SCOPES, target_realm?: string) {
  return {
    display_name: "Robot",
    resource_server_id: managedServer,
    ...(target_realm === undefined ? {} : { target_realm }),
    protocol_config: {
      type: "oauth2" as const,
      grant_type: ["client_credentials" as const],
      allowed_scopes: [...scopes],
      token_configuration: TOKENS,
    },
  };
}

async function addIdentity({ server, adminRealm }: TestTenant, name: string): Promise<string> {
  const { database, random, clock } = server.deps;
  const key = { ...adminRealm, identityId: hexId(random) };
  const traits = { type: "traits_v0" as const, username: name, primary_email_address: `${name}@example.com` };
  const checked = createIdentity({ display_name: name, traits }, { isClientId: () => false });
  if (!checked.ok) throw new Error(JSON.stringify(checked.violations));
  const identity = { settings: checked.value, emailVerified: true };
  await insertIdentity(database.tenants([key.tenantId]), key, identity, clock.nowMs());
  return key.identityId;
}

/** Everything in the admin realm that is power, a line each: what a scope of its own must not change. */
export async function readPower({ tenant, managedServer }: AdminWorld): Promise<readonly PowerLine[]> {
  const { tenantId, realmId } = tenant.adminRealm;
  const rows = await tenant.server.deps.database.maintain((session) =>
    session.query(
      `SELECT 'role' AS kind, role_id AS id, to_jsonb(scopes) AS scopes, '*' AS reach, deleted_at_ms::text AS state
       FROM roles WHERE tenant_id = $1 AND realm_id = $2 AND resource_server_id = $3
       UNION ALL SELECT 'application', application_id, protocol_config -> 'allowed_scopes', target_realm,
         concat_ws(' ', deleted_at_ms, md5(client_secret_hash), protocol_config -> 'redirect_uris', client_id)
       FROM applications WHERE tenant_id = $1 AND realm_id = $2 AND resource_server_id = $3
       UNION ALL SELECT 'role member', role_id, '["members"]', '*', member_id FROM role_members WHERE tenant_id = $1 AND realm_id = $2
       UNION ALL SELECT 'group member', group_id, '["members"]', '*', identity_id FROM group_members WHERE tenant_id = $1 AND realm_id = $2
       UNION ALL SELECT 'group', group_id, '["members"]', '*', deleted_at_ms::text FROM groups WHERE tenant_id = $1 AND realm_id = $2
         AND EXISTS (SELECT FROM group_members gm WHERE gm.group_id = groups.group_id)
       UNION ALL SELECT 'identity', identity_id, '["people"]', '*', concat_ws(' ', deleted_at_ms, status, traits, email_verified)
       FROM identities WHERE tenant_id = $1 AND realm_id = $2 AND username_key = 'admin'
       UNION ALL SELECT 'config', c.authenticator_config_id, '["logins"]', '*', concat_ws(' ', c.deleted_at_ms, c.config)
       FROM authenticator_configs c WHERE tenant_id = $1 AND realm_id = $2 AND EXISTS (SELECT FROM applications a
         WHERE a.tenant_id = $1 AND a.authenticator_config_id = c.authenticator_config_id)
       UNION ALL SELECT 'credential', credential_id, '["people"]', '*', concat_ws(' ', deleted_at_ms, state)
       FROM credentials WHERE tenant_id = $1 AND realm_id = $2
       UNION ALL SELECT 'invitation', credential_binding_job_id, '["people"]', '*', concat_ws(' ', deleted_at_ms, state)
       FROM credential_binding_jobs WHERE tenant_id = $1 AND realm_id = $2
       UNION ALL SELECT 'invitation', batch_id, '["people"]', '*', identity_id
       FROM batch_credential_binding_results WHERE tenant_id = $1 AND realm_id = $2
       ORDER BY 1, 2, 5`,
      [tenantId, realmId, managedServer],
    ),
  );
  return rows.map(({ kind, id, scopes, reach, state }) => {
    const held = Array.isArray(scopes) ? scopes.map(String) : [];
    return {
      held,
      reach: String(reach),
      text: JSON.stringify([kind, id, sha256(held.join()).toString("hex"), reach, state]),
    };
  });
}

/** Something that is power, or says whose it is. */
export interface PowerLine {
  readonly held: readonly string[];
  readonly reach: string;
  readonly text: string;
}
