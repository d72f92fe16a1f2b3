import { randomBytes, randomUUID } from "node:crypto";
import { stringify } from "yaml";
import { REDIRECT_URI, REFRESH_LIFETIME_SECONDS } from "./login.ts";
import { BENCH_SCOPE, type TokenFormat } from "./side.ts";

const TOKEN_LIFETIME_SECONDS = 3600;
/** All that the tenant's managing application may do. */
export const MANAGER_SCOPES = [
  "tokens:read",
  "tokens:delete",
  "realms:read",
  "identities:read",
  "groups:read",
  "roles:read",
  "resource-servers:read",
  "applications:read",
  "authenticator-configs:read",
  "credentials:read",
  "events:read",
  // for what people log in with
  "identities:create",
  "credential-binding-jobs:create",
];

/** An application that is measured: one by client credentials for each format, and one that people log in to. */
export type BenchApplication = {
  format: TokenFormat;
  isOidc: boolean;
  realmId: string;
  resourceServerId: string;
  applicationId: string;
  /** the person who has logged in, and where; only where `isOidc` */
  identityId: string;
  authenticatorConfigId: string;
  clientId: string;
  clientSecret: string;
};

/** Invents an application. */
export function benchApplication(format: TokenFormat, isOidc: boolean): BenchApplication {
  return {
    format,
    isOidc,
    realmId: hexId(),
    resourceServerId: randomUUID(),
    applicationId: randomUUID(),
    identityId: hexId(),
    authenticatorConfigId: randomUUID(),
    clientId: `bench-${isOidc ? "login" : format.toLowerCase()}`,
    clientSecret: randomBytes(32).toString("base64url"),
  };
}

/**
 * The declarative file (settled 14). One realm an application: a realm's second algorithm would sign with the first
 * one's key until its own is published (rule 39). `manager` belongs to the tenant's admin realm.
 */
export function declare(tenantId: string, applications: BenchApplication[], manager: BenchApplication): string {
  const realms = applications.map((application) => ({
    id: application.realmId,
    display_name: application.clientId,
    resource_servers: [declaredResourceServer(application)],
    ...(application.isOidc ? declaredPerson(application) : {}),
    applications: [declaredApplication(application)],
  }));
  const tenant = { id: tenantId, display_name: "Benchmark", realms: [...realms, declaredAdminRealm(manager)] };
  return stringify({ version: 1, tenants: [tenant] });
}

function declaredAdminRealm(manager: BenchApplication) {
  const application = declaredApplication({ ...manager, resourceServerId: "beyondidentity" });
  const protocol_config = { ...application.protocol_config, allowed_scopes: MANAGER_SCOPES };
  return {
    id: manager.realmId,
    display_name: "Administrators",
    is_admin: true,
    applications: [{ ...application, target_realm: "*", protocol_config }],
  };
}

function declaredResourceServer({ resourceServerId, identityId, isOidc }: BenchApplication) {
  const roles = [{ display_name: "Readers", scopes: [BENCH_SCOPE], identities: [identityId] }];
  return {
    id: resourceServerId,
    display_name: "Benchmark API",
    identifier: "urn:mayfly:bench",
    scopes: [BENCH_SCOPE],
    ...(isOidc ? { roles } : {}),
  };
}

function declaredPerson({ identityId, authenticatorConfigId }: BenchApplication) {
  return {
    authenticator_configs: [{ id: authenticatorConfigId, display_name: "Login", config: { type: "hosted_web" } }],
    identities: [{ id: identityId, display_name: "Ann", traits: { type: "traits_v0", username: "ann" } }],
  };
}

function declaredApplication(application: BenchApplication) {
  const { format, isOidc } = application;
  const signing = { token_signing_algorithm: format, ...(isOidc ? { id_token_signed_response_alg: format } : {}) };
  return {
    id: application.applicationId,
    display_name: application.clientId,
    resource_server_id: application.resourceServerId,
    ...(isOidc ? { authenticator_config_id: "Login" } : {}),
    protocol_config: {
      confidentiality: "confidential",
      allowed_scopes: [BENCH_SCOPE],
      client_id: application.clientId,
      client_secret: application.clientSecret,
      token_format: format === "opaque" ? "referential" : "self_contained",
      token_configuration: { expires_after: TOKEN_LIFETIME_SECONDS, ...(format === "opaque" ? {} : signing) },
      ...(isOidc ? LOGIN : { type: "oauth2", grant_type: ["client_credentials"] }),
    },
  };
}

const LOGIN = {
  type: "oidc",
  grant_type: ["authorization_code"],
  redirect_uris: [REDIRECT_URI],
  pkce: "s256",
  refresh_token_configuration: { enabled: true, absolute_duration: REFRESH_LIFETIME_SECONDS, rotate: true },
};

/** 16 lowercase hexadecimal digits, the shape of tenant, realm and identity ids. */
export function hexId(): string {
  return randomBytes(8).toString("hex");
}
