import type { FieldViolation } from "../../http/management-error.ts";
import { expandManagementScopes } from "../../protocol/management-scopes.ts";
import { checkRegisteredRedirectUri, isNativeRedirectUri, sectorOf } from "../../protocol/redirect-uri.ts";
import { refuseOthers, refuseRepeats } from "../list-rules.ts";
import type { ResourceServerSettings } from "../resource-server/schema.ts";
import { type Checked, createBodyReader, refine } from "../settings.ts";
import { type ApplicationBody, ApplicationSettings, type ProtocolConfig } from "./schema.ts";

const read = createBodyReader("application", ApplicationSettings);
const CONFIG = "application.protocol_config";
const OPENID_SCOPES = new Set(["openid", "profile", "email", "address", "phone", "offline_access"]);

/** What the tenant and realm around an application allow and hold. */
export interface ApplicationSurroundings {
  readonly realm: { readonly realmId: string; readonly isAdmin: boolean };
  /** the tenant's switch (rule 6) */
  readonly allowPlainPkce: boolean;
  readonly findResourceServer: (
    id: string,
  ) => (Pick<ResourceServerSettings, "scopes"> & { readonly isManaged: boolean }) | undefined;
  readonly hasAuthenticatorConfig: (id: string) => boolean;
  readonly hasRealm: (id: string) => boolean;
  readonly hasApplication: (id: string) => boolean;
}

/** The settings of a new application with every default filled in, or what is wrong with them. */
export function createApplication(
  body: ApplicationBody,
  surroundings: ApplicationSurroundings,
): Checked<ApplicationSettings> {
  const isPublic = body.protocol_config?.confidentiality === "public";
  const created = read.create(defaultsOf(isPublic, surroundings), body);
  return refine(expanded(created, surroundings), (settings) => check(settings, surroundings));
}

/**
 * The settings of an application after a change, or what is wrong with them. Its protocol, client type and grants never change, nor do
 * its issuer and the names that it gives to people, which others have stored: other values are ignored (reference 1.3).
 */
export function updateApplication(
  current: ApplicationSettings,
  body: ApplicationBody,
  surroundings: ApplicationSurroundings,
): Checked<ApplicationSettings> {
  if (body.protocol_config === null) return { ok: false, violations: [{ field: CONFIG, description: "missing" }] };
  const { type, confidentiality, grant_type, issuer_mode, subject_type = null, pkce } = current.protocol_config;
  const kept = { type, confidentiality, grant_type, issuer_mode, subject_type };
  const protocol_config = { ...body.protocol_config, ...kept };
  // Those that were named before may be gone since: their ids are nobody's any more.
  const named = new Set(current.may_be_exchanged_by);
  const around = {
    ...surroundings,
    allowPlainPkce: surroundings.allowPlainPkce || pkce === "plain",
    hasApplication: (id: string) => named.has(id) || surroundings.hasApplication(id),
  };
  const defaults = defaultsOf(confidentiality === "public", surroundings);
  const changed = read.update(current, { ...body, protocol_config }, defaults);
  return refine(expanded(changed, around), (settings) => check(settings, around));
}

// `scim:all` is a name for scopes, and what is stored are the scopes.
function expanded(
  checked: Checked<ApplicationSettings>,
  { findResourceServer }: ApplicationSurroundings,
): Checked<ApplicationSettings> {
  if (!checked.ok) return checked;
  const { resource_server_id: id, protocol_config } = checked.value;
  if (id === undefined || findResourceServer(id)?.isManaged !== true) return checked;
  const allowed_scopes = [...expandManagementScopes(protocol_config.allowed_scopes)];
  return { ok: true, value: { ...checked.value, protocol_config: { ...protocol_config, allowed_scopes } } };
}

function defaultsOf(isPublic: boolean, { realm }: ApplicationSurroundings): ApplicationBody {
  return {
    target_realm: realm.realmId,
    may_be_exchanged_by: [],
    protocol_config: {
      confidentiality: "confidential",
      allowed_scopes: [],
      redirect_uris: [],
      pkce: isPublic ? "s256" : "disabled", // rule 6
      token_format: "self_contained",
      token_configuration: {
        over_limit: "reject",
        token_signing_algorithm: "RS256",
        subject_field: "id",
        custom_claims: isPublic ? "deny" : "allow", // rule 21
        custom_claims_max_bytes: 4096,
        id_token_expires_after: 3600,
        id_token_claims: "scopes",
        id_token_signed_response_alg: "RS256",
      },
      refresh_token_configuration: { enabled: false, rotate: true, grace_seconds: 10 },
      issuer_mode: "application",
      post_logout_redirect_uris: [],
      backchannel_logout_session_required: false,
    },
  };
}

function check(settings: ApplicationSettings, around: ApplicationSurroundings): FieldViolation[] {
  const config = settings.protocol_config;
  return [
    ...checkGrants(settings, around),
    ...checkPkce(config, around),
    ...checkUris(config),
    ...checkScopes(settings, around),
    ...checkRefresh(config),
    ...checkSubjectType(config),
    ...checkTargetRealm(settings, around),
    ...checkExchangers(settings, around),
  ];
}

function checkExchangers(
  { may_be_exchanged_by: ids }: ApplicationSettings,
  { hasApplication }: ApplicationSurroundings,
): FieldViolation[] {
  const field = "application.may_be_exchanged_by";
  const isKnown = { has: hasApplication, reason: "is no application of this realm" };
  return [...refuseRepeats(field, ids), ...refuseOthers(field, ids, isKnown)];
}

// Reference 1.3: which combinations of protocol, client type and grant exist.
function checkGrants(settings: ApplicationSettings, around: ApplicationSurroundings): FieldViolation[] {
  const { type, confidentiality, grant_type, redirect_uris } = settings.protocol_config;
  const violations = refuseRepeats(`${CONFIG}.grant_type`, grant_type);
  const refuse = (field: string, description: string) => violations.push({ field, description });
  if (grant_type.includes("client_credentials")) {
    if (confidentiality === "public") refuse(`${CONFIG}.grant_type`, "client_credentials needs a confidential client");
    if (type === "oidc") refuse(`${CONFIG}.grant_type`, "oidc takes authorization_code only");
  }
  if (grant_type.includes("authorization_code")) {
    if (redirect_uris.length === 0) refuse(`${CONFIG}.redirect_uris`, "authorization_code needs at least one");
    if (settings.authenticator_config_id === undefined) refuse("application.authenticator_config_id", "missing");
  }
  const configId = settings.authenticator_config_id;
  if (configId !== undefined && !around.hasAuthenticatorConfig(configId)) {
    refuse("application.authenticator_config_id", "names no authenticator config of this realm");
  }
  return violations;
}

// Rule 6: a public client proves itself by S256; `plain` sends the verifier through the browser.
function checkPkce(config: ProtocolConfig, around: ApplicationSurroundings): FieldViolation[] {
  const field = `${CONFIG}.pkce`;
  const usesCodes = config.grant_type.includes("authorization_code");
  if (!usesCodes) return config.pkce === "disabled" ? [] : [{ field, description: "needs authorization_code" }];
  if (config.pkce === "plain" && !around.allowPlainPkce) {
    return [{ field, description: "plain needs the tenant's settings.allow_plain_pkce" }];
  }
  const isPublic = config.confidentiality === "public";
  return isPublic && config.pkce === "disabled" ? [{ field, description: "a public client must use s256" }] : [];
}

function checkUris(config: ProtocolConfig): FieldViolation[] {
  const violations = [...checkUriList(config, "redirect_uris"), ...checkUriList(config, "post_logout_redirect_uris")];
  const logoutUri = config.backchannel_logout_uri;
  if (logoutUri !== undefined) violations.push(...checkLogoutUri(logoutUri, config));
  // Rule 36: any local program can claim such a URI, so nothing may complete without an interaction on our page.
  if (config.consent === "none" && config.redirect_uris.some(isNativeRedirectUri)) {
    violations.push({
      field: `${CONFIG}.consent`,
      description: "none is not for loopback or private-use redirect URIs",
    });
  }
  return violations;
}

function checkUriList(config: ProtocolConfig, member: "redirect_uris" | "post_logout_redirect_uris"): FieldViolation[] {
  const field = `${CONFIG}.${member}`;
  const refused = config[member].flatMap((uri, index) => {
    const reason = checkRegisteredRedirectUri(uri, config.confidentiality);
    return reason === undefined ? [] : [{ field, description: `element ${index} ${reason}` }];
  });
  return [...refused, ...refuseRepeats(field, config[member])];
}

// We fetch it (rule 22): https, or http on this machine, which MAYFLY_EGRESS_ALLOW must name as well.
function checkLogoutUri(uri: string, config: ProtocolConfig): FieldViolation[] {
  const field = `${CONFIG}.backchannel_logout_uri`;
  if (config.type !== "oidc") return [{ field, description: "needs protocol type oidc" }];
  const reason = checkRegisteredRedirectUri(uri, "confidential");
  return reason === undefined ? [] : [{ field, description: reason }];
}

function checkScopes(settings: ApplicationSettings, around: ApplicationSurroundings): FieldViolation[] {
  const field = `${CONFIG}.allowed_scopes`;
  const { allowed_scopes } = settings.protocol_config;
  const openId = allowed_scopes.filter((scope) => OPENID_SCOPES.has(scope));
  const repeats = refuseRepeats(field, allowed_scopes);
  if (openId.length > 0) {
    return [...repeats, ...openId.map((scope) => ({ field, description: `${scope} is decided by the protocol type` }))];
  }
  if (settings.resource_server_id === undefined) {
    const isEmpty = allowed_scopes.length === 0;
    return isEmpty ? [] : [{ field, description: "must be empty without a resource server" }];
  }
  const server = around.findResourceServer(settings.resource_server_id);
  if (server === undefined) {
    return [{ field: "application.resource_server_id", description: "names no resource server of this realm" }];
  }
  const known = new Set(server.scopes);
  const isKnown = { has: (scope: string) => known.has(scope), reason: "is not a scope of the resource server" };
  return [...repeats, ...refuseOthers(field, allowed_scopes, isKnown)];
}

// Rule 4.
function checkRefresh(config: ProtocolConfig): FieldViolation[] {
  const field = `${CONFIG}.refresh_token_configuration`;
  const { enabled, absolute_duration, rotate } = config.refresh_token_configuration;
  const violations: FieldViolation[] = [];
  if (enabled && absolute_duration === undefined) {
    violations.push({ field: `${field}.absolute_duration`, description: "missing" });
  }
  if (enabled && !config.grant_type.includes("authorization_code")) {
    violations.push({ field: `${field}.enabled`, description: "needs authorization_code" });
  }
  // RFC 9700 §4.14.2: a public client's refresh tokens rotate.
  if (config.confidentiality === "public" && !rotate) {
    violations.push({ field: `${field}.rotate`, description: "must be true for a public client" });
  }
  return violations;
}

// OIDC Core §8.1: without a sector identifier URI the sector is the one host of the redirect URIs.
function checkSubjectType(config: ProtocolConfig): FieldViolation[] {
  if (config.subject_type !== "pairwise") return [];
  const field = `${CONFIG}.subject_type`;
  if (config.type !== "oidc") return [{ field, description: "pairwise needs protocol type oidc" }];
  if (config.token_configuration.subject_field !== "id") {
    return [{ field, description: "pairwise needs subject_field id: other names can be compared" }];
  }
  if (sectorOf(config.redirect_uris) !== undefined) return [];
  return [{ field, description: "pairwise needs redirect URIs of one host" }];
}

// Rule 8: only management tokens reach beyond their own realm.
function checkTargetRealm(settings: ApplicationSettings, around: ApplicationSurroundings): FieldViolation[] {
  const field = "application.target_realm";
  const { target_realm, resource_server_id } = settings;
  if (target_realm === around.realm.realmId) return [];
  const server = resource_server_id === undefined ? undefined : around.findResourceServer(resource_server_id);
  if (!around.realm.isAdmin || !server?.isManaged) {
    return [{ field, description: "is for applications of the admin realm on the built-in resource server" }];
  }
  if (target_realm === "*" || around.hasRealm(target_realm)) return [];
  return [{ field, description: "names no realm of this tenant" }];
}
