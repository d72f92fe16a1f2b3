import type { Queryable } from "../database/database.ts";
import type { Deps } from "../deps.ts";
import { sha256 } from "../platform/hash.ts";
import { type ApplicationKey, issuerOf, realmPath } from "../protocol/client-metadata.ts";
import { MANAGEMENT_SCOPES } from "../protocol/management-scopes.ts";
import { insertApplication } from "../resources/application/queries.ts";
import { createApplication } from "../resources/application/rules.ts";
import { newClientId, newClientSecret, sealClientSecret, sealNewRefreshKey } from "../resources/credentials.ts";
import { insertRealm } from "../resources/realm/queries.ts";
import { createRealm } from "../resources/realm/rules.ts";
import type { Checked } from "../resources/settings.ts";
import { insertTenant } from "../resources/tenant/queries.ts";
import { createTenant, settingsUnder } from "../resources/tenant/rules.ts";
import type { TenantQuotas } from "../resources/tenant/schema.ts";
import { insertManagementServer, newManagementServerKey } from "./management-server.ts";

const EXPIRES_AFTER_SECONDS = 7_776_000; // rule 8
const DEFAULT_EXPIRES_AFTER_SECONDS = 3600;

/** A tenant to be made with everything that manages it; `key` names it, its admin realm and its Management API application. */
export interface TenantWithAdmin {
  readonly key: ApplicationKey;
  readonly displayName: string;
  readonly kind: "production" | "test";
  readonly quotas?: TenantQuotas;
}

/** Makes a tenant, its admin realm, the built-in resource server with its role, and the Management API application (section 8). */
export async function insertTenantWithAdmin(
  deps: Deps,
  db: Queryable,
  tenant: TenantWithAdmin,
): Promise<ClientCredentials> {
  const { key, displayName, kind, quotas = {} } = tenant;
  const nowMs = deps.clock.nowMs();
  const refreshKeySealed = sealNewRefreshKey(deps, key.tenantId);
  const change = { before: {}, after: quotas };
  const settings = settingsUnder(accepted(createTenant({ display_name: displayName })), change);
  await insertTenant(db, key.tenantId, { kind, refreshKeySealed, settings, quotas }, nowMs);
  const realm = accepted(createRealm({ display_name: adminRealmNameOf(displayName) }, { isAdmin: true }));
  await insertRealm(db, key, { isAdmin: true, settings: realm }, nowMs);
  const server = newManagementServerKey(deps.random, key);
  await insertManagementServer(db, server, nowMs);
  return insertManagementApplication(deps, db, { ...key, resourceServerId: server.resourceServerId });
}

async function insertManagementApplication(
  deps: Deps,
  db: Queryable,
  key: ApplicationKey & { readonly resourceServerId: string },
): Promise<ClientCredentials> {
  const body = {
    display_name: "Mayfly Management API",
    resource_server_id: key.resourceServerId,
    target_realm: "*",
    protocol_config: {
      type: "oauth2" as const,
      grant_type: ["client_credentials" as const],
      allowed_scopes: [...MANAGEMENT_SCOPES],
      token_configuration: {
        expires_after: EXPIRES_AFTER_SECONDS,
        default_expires_after: DEFAULT_EXPIRES_AFTER_SECONDS,
      },
    },
  };
  const checked = createApplication(body, {
    realm: { realmId: key.realmId, isAdmin: true },
    allowPlainPkce: false,
    findResourceServer: () => ({ scopes: [...MANAGEMENT_SCOPES], isManaged: true }),
    hasAuthenticatorConfig: () => false,
    hasRealm: () => false,
    hasApplication: () => false,
  });
  const secret = newClientSecret(deps.random);
  const application = {
    isManaged: true,
    classification: "management_api",
    clientId: newClientId(deps.random),
    secret: { hash: sha256(secret), sealed: sealClientSecret(deps, key, secret) },
    settings: accepted(checked),
  };
  await insertApplication(db, key, application, deps.clock.nowMs());
  return { clientId: application.clientId, clientSecret: secret };
}

const NAME_LENGTH_MAX = 64;
const ADMIN = " Admin";

// A name may be as long as a name may be.
function adminRealmNameOf(displayName: string): string {
  return `${Array.from(displayName)
    .slice(0, NAME_LENGTH_MAX - ADMIN.length)
    .join("")}${ADMIN}`;
}

/** What whoever manages a new tenant has to know: the content of `bootstrap.json`, and an operator's answer. */
export interface TenantAccess {
  readonly key: ApplicationKey;
  readonly clientId: string;
  /** undefined where it is not shown any more */
  readonly clientSecret: string | undefined;
}

/** A client's id and its secret. */
export interface ClientCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** The same under the names that clients read. */
export function describeAccess(publicUrl: string, { key, clientId, clientSecret }: TenantAccess) {
  const issuer = issuerOf(publicUrl, key, "application");
  return {
    public_url: publicUrl,
    tenant_id: key.tenantId,
    realm_id: key.realmId,
    application_id: key.applicationId,
    client_id: clientId,
    ...(clientSecret === undefined ? {} : { client_secret: clientSecret }),
    issuer,
    token_endpoint: `${issuer}/token`,
    introspection_endpoint: `${publicUrl}${realmPath(key)}/introspect`,
  };
}

function accepted<T>(checked: Checked<T>): T {
  if (checked.ok) return checked.value;
  throw new Error(`what a new tenant is made of breaks a rule: ${JSON.stringify(checked.violations)}`);
}
