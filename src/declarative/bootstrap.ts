import { join } from "node:path";
import type { Queryable } from "../database/database.ts";
import type { Deps } from "../deps.ts";
import { sha256 } from "../platform/hash.ts";
import { hexId, uuid } from "../platform/random.ts";
import { type ApplicationKey, issuerOf, realmPath } from "../protocol/client-metadata.ts";
import { MANAGEMENT_SCOPES } from "../protocol/management-scopes.ts";
import { findApplication, insertApplication } from "../resources/application/queries.ts";
import { createApplication } from "../resources/application/rules.ts";
import {
  newClientId,
  newClientSecret,
  openClientSecret,
  sealClientSecret,
  sealNewRefreshKey,
} from "../resources/credentials.ts";
import { deleteLease, findLeaseMark, insertLeaseMark } from "../resources/lease/queries.ts";
import { insertRealm } from "../resources/realm/queries.ts";
import { createRealm } from "../resources/realm/rules.ts";
import type { Checked } from "../resources/settings.ts";
import { hasTenants, insertTenant } from "../resources/tenant/queries.ts";
import { createTenant } from "../resources/tenant/rules.ts";
import { withLease } from "./lease.ts";
import { insertManagementServer, newManagementServerKey } from "./management-server.ts";
import { openDataDirectory, writePrivateFile } from "./private-file.ts";

/** What the first start left behind. */
export interface BootstrapResult {
  /** whether this start made the first tenant, or finished one that died before its file was written */
  readonly isFirstStart: boolean;
  /** `{data dir}/bootstrap.json`: it holds the credentials on the first start */
  readonly file: string;
}

const EXPIRES_AFTER_SECONDS = 7_776_000; // rule 8
const DEFAULT_EXPIRES_AFTER_SECONDS = 3600;
// Written with the tenant, gone with the file: what is between is finished by the next start.
const FILE_MARK = "bootstrap-file";

/**
 * On the very first start of a database: a tenant, its admin realm, the built-in resource server and its role, the Management
 * API application, and the file with its credentials (specification section 8). Does nothing where a tenant exists.
 */
export async function bootstrap(deps: Deps): Promise<BootstrapResult> {
  const file = join(deps.config.dataDirectory, "bootstrap.json");
  await openDataDirectory(deps.config);
  const isFirstStart = await withLease(deps, "bootstrap", async (lease) => {
    const unfinished = await findLeaseMark(deps.database.tenants([]), FILE_MARK);
    if (unfinished !== undefined) {
      await writeCredentials(deps, parseMark(unfinished), file);
      return true;
    }
    if (await hasTenants(deps.database)) return false;
    const key = { tenantId: hexId(deps.random), realmId: hexId(deps.random), applicationId: uuid(deps.random) };
    await deps.database.transaction([key.tenantId], async (session) => {
      await lease.keep(session);
      await insertTenantWithAdmin(deps, session, { key, displayName: "Mayfly", kind: "production" });
      await insertLeaseMark(session, FILE_MARK, formatMark(key));
    });
    await writeCredentials(deps, key, file);
    return true;
  });
  return { isFirstStart, file };
}

/** A tenant to be made with everything that manages it; `key` names it, its admin realm and its Management API application. */
export interface TenantWithAdmin {
  readonly key: ApplicationKey;
  readonly displayName: string;
  readonly kind: "production" | "test";
}

/** Makes a tenant, its admin realm, the built-in resource server with its role, and the Management API application (section 8). */
export async function insertTenantWithAdmin(deps: Deps, db: Queryable, tenant: TenantWithAdmin): Promise<void> {
  const { key, displayName, kind } = tenant;
  const nowMs = deps.clock.nowMs();
  const refreshKeySealed = sealNewRefreshKey(deps, key.tenantId);
  const settings = accepted(createTenant({ display_name: displayName }));
  await insertTenant(db, key.tenantId, { kind, refreshKeySealed, settings }, nowMs);
  const realm = accepted(createRealm({ display_name: `${displayName} Admin` }, { isAdmin: true }));
  await insertRealm(db, key, { isAdmin: true, settings: realm }, nowMs);
  const server = newManagementServerKey(deps.random, key);
  await insertManagementServer(db, server, nowMs);
  await insertManagementApplication(deps, db, { ...key, resourceServerId: server.resourceServerId });
}

async function insertManagementApplication(
  deps: Deps,
  db: Queryable,
  key: ApplicationKey & { readonly resourceServerId: string },
): Promise<void> {
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
}

async function writeCredentials(deps: Deps, key: ApplicationKey, file: string): Promise<void> {
  const { publicUrl } = deps.config;
  const application = await findApplication(deps.database.tenants([key.tenantId]), key);
  const sealed = application?.secret?.sealed;
  if (application === undefined || sealed === undefined)
    throw new Error("the Management API application has no secret");
  const issuer = issuerOf(publicUrl, key);
  const content = {
    public_url: publicUrl,
    tenant_id: key.tenantId,
    realm_id: key.realmId,
    application_id: key.applicationId,
    client_id: application.clientId,
    client_secret: openClientSecret(deps, key, sealed),
    issuer,
    token_endpoint: `${issuer}/token`,
    introspection_endpoint: `${publicUrl}${realmPath(key)}/introspect`,
  };
  await writePrivateFile(file, `${JSON.stringify(content, null, 2)}\n`);
  await deleteLease(deps.database.tenants([]), FILE_MARK, formatMark(key));
}

function formatMark(key: ApplicationKey): string {
  return `${key.tenantId}/${key.realmId}/${key.applicationId}`;
}

function parseMark(mark: string): ApplicationKey {
  const [tenantId = "", realmId = "", applicationId = ""] = mark.split("/");
  return { tenantId, realmId, applicationId };
}

function accepted<T>(checked: Checked<T>): T {
  if (checked.ok) return checked.value;
  throw new Error(`what the first start makes breaks a rule: ${JSON.stringify(checked.violations)}`);
}
