// What the protocol needs to know of a client and of what surrounds it, as plain values in the house's words. The border
// (resources/application/queries.ts) translates rows and wire names into these once; everything above reads only these.

import type { ConsentSetting } from "./consent.ts";
import type { OverLimit, ScopeCeiling } from "./lifetime.ts";
import type { Quotas } from "./live-count.ts";

/** Names a realm: every query starts with one. */
export interface RealmKey {
  readonly tenantId: string;
  readonly realmId: string;
}

/** Names an application: the path of every auth route. */
export interface ApplicationKey extends RealmKey {
  readonly applicationId: string;
}

export type Confidentiality = "confidential" | "public";
export type ClientType = "oauth2" | "oidc";
export type ConfiguredGrantType = "authorization_code" | "client_credentials";
export type PkceSetting = "disabled" | "plain" | "s256";
export type TokenFormat = "self_contained" | "referential";
export type SigningAlgorithm = "RS256" | "ES256" | "PS256" | "EdDSA";
/** Whether clients of different hosts know a person by one name (OIDC Core §8). */
export type SubjectType = "public" | "pairwise";
export type SubjectField = "id" | "email" | "username";
/** Whose issuer an application has: its own, or its realm's, which it shares (rule 11). */
export type IssuerMode = "application" | "realm";
/** `*` reaches every realm of the tenant (rule 8). */
export type TargetRealm = string;

/** `protocol_config.refresh_token_configuration` (rule 4). */
export interface RefreshPolicy {
  readonly enabled: boolean;
  readonly absoluteDurationSeconds: number;
  readonly rotate: boolean;
  readonly graceSeconds: number;
}

/** An application as the protocol sees it. */
export interface ClientMetadata {
  readonly applicationId: string;
  readonly displayName: string;
  readonly isManaged: boolean;
  readonly clientId: string;
  readonly type: ClientType;
  readonly issuerMode: IssuerMode;
  readonly confidentiality: Confidentiality;
  readonly grantTypes: readonly ConfiguredGrantType[];
  /** those that its resource server has still */
  readonly allowedScopes: readonly string[];
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris: readonly string[];
  readonly pkce: PkceSetting;
  readonly tokenFormat: TokenFormat;
  readonly signingAlgorithm: SigningAlgorithm;
  readonly idTokenAlgorithm: SigningAlgorithm;
  /** absent: userinfo answers JSON */
  readonly userinfoAlgorithm: SigningAlgorithm | undefined;
  /** whether its self-contained tokens say where their bit in a status list is */
  readonly hasStatus: boolean;
  readonly idTokenClaims: "scopes" | "standard";
  readonly idTokenLifetimeSeconds: number;
  readonly subjectField: SubjectField;
  readonly subjectType: SubjectType;
  readonly consent: ConsentSetting;
  readonly expiresAfterSeconds: number;
  readonly defaultExpiresAfterSeconds?: number | undefined;
  readonly overLimit: OverLimit;
  readonly customClaims: "allow" | "deny";
  readonly customClaimsBytesMax: number;
  readonly refresh: RefreshPolicy;
  readonly targetRealm: TargetRealm;
  readonly resourceServerId?: string | undefined;
  readonly authenticatorConfigId?: string | undefined;
  readonly version: number;
}

/** `token_policy` of a realm or tenant; a tenant has no floor. */
export interface TokenPolicy {
  readonly maxExpiresAfterSeconds?: number | undefined;
  readonly minExpiresAfterSeconds?: number | undefined;
}

/** `session_policy` of a realm. */
export interface SessionPolicy {
  /** from its latest use */
  readonly idleSeconds: number;
  /** from the latest authentication */
  readonly absoluteSeconds: number;
}

export interface TenantContext {
  readonly tenantId: string;
  readonly displayName: string;
  readonly kind: "production" | "test";
  readonly clockOffsetSeconds: number;
  readonly tokenPolicy: TokenPolicy;
  /** the key of the refresh tokens' checksum, sealed under the master key */
  readonly refreshKeySealed: Uint8Array;
  readonly version: number;
}

export interface RealmContext {
  readonly realmId: string;
  readonly displayName: string;
  readonly isAdmin: boolean;
  readonly autoProvision: boolean;
  readonly tokenPolicy: TokenPolicy;
  readonly sessionPolicy: SessionPolicy;
  readonly version: number;
}

export interface ResourceServerContext {
  readonly resourceServerId: string;
  readonly identifier: string;
  readonly isManaged: boolean;
  readonly scopes: readonly string[];
  readonly maxExpiresAfterSeconds?: number | undefined;
  readonly scopePolicies: readonly ScopeCeiling[];
  readonly version: number;
}

/** Everything configured that a request at `$APP` depends on. Nodes keep it; what must be live is read with each request. */
export interface ApplicationContext {
  readonly key: ApplicationKey;
  readonly tenant: TenantContext;
  readonly realm: RealmContext;
  readonly client: ClientMetadata;
  readonly resourceServer?: ResourceServerContext | undefined;
  /** how many tokens may live at a time (rule 37) */
  readonly quotas: Quotas;
}

/** The path of an application's auth routes, `$APP` of the specification. */
export function applicationPath(key: ApplicationKey): string {
  return `/v1/tenants/${key.tenantId}/realms/${key.realmId}/applications/${key.applicationId}`;
}

/** The path of a realm, `$TR` of the specification. */
export function realmPath(key: RealmKey): string {
  return `/v1/tenants/${key.tenantId}/realms/${key.realmId}`;
}

/** An application's issuer identifier: the configured public URL and its path or its realm's, never the Host header. */
export function issuerOf(publicUrl: string, key: ApplicationKey, mode: IssuerMode): string {
  return publicUrl + (mode === "realm" ? realmPath(key) : applicationPath(key));
}
