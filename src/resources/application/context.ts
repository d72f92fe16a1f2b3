import type {
  ApplicationContext,
  ClientMetadata,
  RealmContext,
  RefreshPolicy,
  ResourceServerContext,
  TenantContext,
} from "../../protocol/client-metadata.ts";
import { quotasOf } from "../../protocol/live-count.ts";
import type { RealmSettings } from "../realm/schema.ts";
import type { ResourceServerSettings } from "../resource-server/schema.ts";
import type { TenantSettings } from "../tenant/schema.ts";
import type { ProtocolConfig } from "./schema.ts";

/** One application with its tenant, realm and resource server, as the one statement reads them. */
export interface ContextRow {
  readonly tenant_id: string;
  readonly tenant_display_name: string;
  readonly tenant_kind: "production" | "test";
  readonly clock_offset_seconds: number;
  readonly tenant_token_policy: TenantSettings["token_policy"];
  readonly refresh_key_sealed: Buffer;
  readonly tenant_version: number;
  readonly realm_id: string;
  readonly realm_display_name: string;
  readonly is_admin: boolean;
  readonly auto_provision: boolean;
  readonly realm_token_policy: RealmSettings["token_policy"];
  readonly realm_session_policy: RealmSettings["session_policy"];
  readonly realm_version: number;
  readonly application_id: string;
  readonly display_name: string;
  readonly is_managed: boolean;
  readonly resource_server_id: string | null;
  readonly authenticator_config_id: string | null;
  readonly client_id: string;
  readonly target_realm: string;
  readonly protocol_config: ProtocolConfig;
  readonly version: number;
  readonly server_id: string | null;
  readonly identifier: string;
  readonly server_is_managed: boolean;
  readonly server_scopes: string[];
  readonly server_token_policy: ResourceServerSettings["token_policy"];
  readonly scope_policies: ResourceServerSettings["scope_policies"];
  readonly server_version: number;
}

/** Translates the row into what the protocol reads; undefined when its resource server is gone. */
export function toApplicationContext(row: ContextRow): ApplicationContext | undefined {
  if (row.resource_server_id !== null && row.server_id === null) return undefined;
  return {
    key: { tenantId: row.tenant_id, realmId: row.realm_id, applicationId: row.application_id },
    tenant: toTenantContext(row),
    realm: toRealmContext(row),
    client: toClientMetadata(row),
    resourceServer: row.server_id === null ? undefined : toResourceServerContext(row, row.server_id),
    quotas: quotasOf(row.tenant_token_policy.max_live_tokens, row.protocol_config.token_configuration.max_live_tokens),
  };
}

function toTenantContext(row: ContextRow): TenantContext {
  return {
    tenantId: row.tenant_id,
    displayName: row.tenant_display_name,
    kind: row.tenant_kind,
    clockOffsetSeconds: row.clock_offset_seconds,
    tokenPolicy: { maxExpiresAfterSeconds: row.tenant_token_policy.max_expires_after },
    refreshKeySealed: row.refresh_key_sealed,
    version: row.tenant_version,
  };
}

function toRealmContext(row: ContextRow): RealmContext {
  const { max_expires_after, min_expires_after } = row.realm_token_policy;
  return {
    realmId: row.realm_id,
    displayName: row.realm_display_name,
    isAdmin: row.is_admin,
    autoProvision: row.auto_provision,
    tokenPolicy: { maxExpiresAfterSeconds: max_expires_after, minExpiresAfterSeconds: min_expires_after },
    sessionPolicy: {
      idleSeconds: row.realm_session_policy.idle,
      absoluteSeconds: row.realm_session_policy.absolute,
    },
    version: row.realm_version,
  };
}

function toResourceServerContext(row: ContextRow, resourceServerId: string): ResourceServerContext {
  return {
    resourceServerId,
    identifier: row.identifier,
    isManaged: row.server_is_managed,
    scopes: row.server_scopes,
    maxExpiresAfterSeconds: row.server_token_policy.max_expires_after,
    scopePolicies: row.scope_policies.map(({ scope, max_expires_after }) => ({
      scope,
      maxExpiresAfter: max_expires_after,
    })),
    version: row.server_version,
  };
}

function toClientMetadata(row: ContextRow): ClientMetadata {
  const { protocol_config: config } = row;
  const tokens = config.token_configuration;
  return {
    applicationId: row.application_id,
    displayName: row.display_name,
    isManaged: row.is_managed,
    clientId: row.client_id,
    type: config.type,
    issuerMode: config.issuer_mode,
    confidentiality: config.confidentiality,
    grantTypes: config.grant_type,
    allowedScopes: allowedScopesOf(row),
    redirectUris: config.redirect_uris,
    postLogoutRedirectUris: config.post_logout_redirect_uris,
    pkce: config.pkce,
    tokenFormat: config.token_format,
    signingAlgorithm: tokens.token_signing_algorithm,
    idTokenAlgorithm: tokens.id_token_signed_response_alg,
    userinfoAlgorithm: tokens.userinfo_signed_response_alg,
    hasStatus: tokens.status_list === true,
    idTokenClaims: tokens.id_token_claims,
    idTokenLifetimeSeconds: tokens.id_token_expires_after,
    subjectField: tokens.subject_field,
    subjectType: config.subject_type ?? "public",
    consent: config.consent,
    expiresAfterSeconds: tokens.expires_after,
    defaultExpiresAfterSeconds: tokens.default_expires_after,
    overLimit: tokens.over_limit,
    customClaims: tokens.custom_claims,
    customClaimsBytesMax: tokens.custom_claims_max_bytes,
    refresh: toRefreshPolicy(config.refresh_token_configuration),
    targetRealm: row.target_realm,
    resourceServerId: row.resource_server_id ?? undefined,
    authenticatorConfigId: row.authenticator_config_id ?? undefined,
    version: row.version,
  };
}

// Reference 1.8: a subset of the resource server's, which may have lost some since they were allowed.
function allowedScopesOf({ protocol_config, server_id, server_scopes }: ContextRow): readonly string[] {
  if (server_id === null) return protocol_config.allowed_scopes;
  const held = new Set(server_scopes);
  return protocol_config.allowed_scopes.filter((scope) => held.has(scope));
}

function toRefreshPolicy(config: ProtocolConfig["refresh_token_configuration"]): RefreshPolicy {
  return {
    enabled: config.enabled,
    absoluteDurationSeconds: config.absolute_duration ?? 0,
    rotate: config.rotate,
    graceSeconds: config.grace_seconds,
  };
}
