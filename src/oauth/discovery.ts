import { type HttpReply, jsonReply, type Route } from "../http/route.ts";
import { SIGNING_ALGORITHMS } from "../keys/algorithms.ts";
import { ACR_VALUES } from "../protocol/acr.ts";
import {
  type ApplicationContext,
  applicationPath,
  type ClientType,
  type RealmKey,
  realmPath,
} from "../protocol/client-metadata.ts";
import { CLAIMS_SUPPORTED } from "../protocol/id-token.ts";
import { LANGUAGES } from "../protocol/language.ts";
import { advertisedLifetimes } from "../protocol/lifetime.ts";
import { OPENID_SCOPES } from "../protocol/scope.ts";
import type { RealmFacts } from "../resources/realm/queries.ts";
import { APPLICATION_ISSUER, REALM_ISSUER } from "./at-issuer.ts";
import { listClientAuthenticationMethods } from "./client-authentication/index.ts";
import { findApplication } from "./find-application.ts";
import { findRealm } from "./find-realm.ts";
import { GRANTS } from "./grants/index.ts";
import { RESPONSE_MODES } from "./response-modes/index.ts";
import type { Services } from "./services.ts";

const METADATA_MAX_AGE_SECONDS = 60;

/** The metadata of an issuer at its four addresses, byte-identical (OpenID Connect Discovery, RFC 8414). */
export function discoveryRoutes(services: Services): readonly Route[] {
  const { publicUrl } = services.deps.config;
  const ofApplication = printedOnce((context: ApplicationContext) => describeClientIssuer(publicUrl, context));
  const ofRealm = printedOnce(({ key }: RealmFacts) => describeRealmIssuer(publicUrl, key));
  return [
    ...listAddresses(APPLICATION_ISSUER, "", async (request) =>
      ofApplication(await findApplication(services, request)),
    ),
    ...listAddresses(REALM_ISSUER, "AtRealm", async (request) => ofRealm(await findRealm(services, request))),
  ];
}

function listAddresses(issuer: string, suffix: string, handle: Route["handle"]): readonly Route[] {
  const paths = {
    openidConfiguration: `${issuer}/.well-known/openid-configuration`,
    oauthAuthorizationServer: `${issuer}/.well-known/oauth-authorization-server`,
    openidConfigurationInserted: `/.well-known/openid-configuration${issuer}`,
    oauthAuthorizationServerInserted: `/.well-known/oauth-authorization-server${issuer}`,
  };
  return Object.entries(paths).map(([name, path]) => ({
    name: name + suffix,
    method: "GET",
    path,
    kind: "auth",
    isOpen: true,
    handle,
  }));
}

/** Answers that are good for as long as the node keeps the configuration that they were printed of. */
function printedOnce<Of extends object>(describe: (of: Of) => object): (of: Of) => HttpReply {
  const printed = new WeakMap<Of, HttpReply>();
  return (of) => {
    const reply = printed.get(of) ?? print(describe(of));
    printed.set(of, reply);
    return reply;
  };
}

/** What every application may do whose issuer is the realm: each may do less (rule 11). */
function describeRealmIssuer(publicUrl: string, key: RealmKey): object {
  const base = `${publicUrl}${realmPath(key)}`;
  const methods = (["confidential", "public"] as const).flatMap(listClientAuthenticationMethods);
  return {
    ...describeIssuer(publicUrl, key, base),
    ...describeLogout("oidc", base),
    subject_types_supported: ["public", "pairwise"],
    grant_types_supported: GRANTS.map((grant) => grant.grantType),
    id_token_signing_alg_values_supported: SIGNING_ALGORITHMS,
    token_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_methods_supported: methods,
    code_challenge_methods_supported: ["S256", "plain"],
    scopes_supported: OPENID_SCOPES,
    expiration_time_parameter_supported: true,
  };
}

function print(metadata: object): HttpReply {
  return jsonReply(200, metadata, { "cache-control": `public, max-age=${METADATA_MAX_AGE_SECONDS}` });
}

function describeClientIssuer(publicUrl: string, context: ApplicationContext): object {
  const base = `${publicUrl}${applicationPath(context.key)}`;
  const { client, key } = context;
  return {
    ...describeIssuer(publicUrl, key, base),
    ...describeLogout(client.type, base),
    subject_types_supported: [client.subjectType],
    grant_types_supported: GRANTS.filter((grant) => grant.isAllowed(client)).map((grant) => grant.grantType),
    id_token_signing_alg_values_supported: [...new Set(["RS256", client.idTokenAlgorithm])],
    token_endpoint_auth_methods_supported: listClientAuthenticationMethods(client.confidentiality),
    revocation_endpoint_auth_methods_supported: listClientAuthenticationMethods(client.confidentiality),
    code_challenge_methods_supported: client.pkce === "plain" ? ["S256", "plain"] : ["S256"],
    ...describeScopes(context),
    ...describeLifetimes(context),
  };
}

/** What is the same of every issuer. */
function describeIssuer(publicUrl: string, realm: RealmKey, base: string): object {
  return {
    issuer: base,
    authorization_endpoint: `${base}/authorize`,
    token_endpoint: `${base}/token`,
    userinfo_endpoint: `${base}/userinfo`,
    jwks_uri: `${base}/.well-known/jwks.json`,
    revocation_endpoint: `${base}/revoke`,
    status_list_aggregation_endpoint: `${publicUrl}${realmPath(realm)}/status-lists`,
    ...describeIntrospection(`${publicUrl}${realmPath(realm)}/introspect`),
    response_types_supported: ["code"],
    response_modes_supported: RESPONSE_MODES.map((mode) => mode.name),
    claims_supported: CLAIMS_SUPPORTED,
    ui_locales_supported: LANGUAGES,
    userinfo_signing_alg_values_supported: SIGNING_ALGORITHMS,
    acr_values_supported: ACR_VALUES,
    claims_parameter_supported: true,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    authorization_response_iss_parameter_supported: true,
  };
}

// Sessions have a name for clients of OpenID Connect only.
function describeLogout(type: ClientType, base: string): object {
  if (type !== "oidc") return {};
  return {
    end_session_endpoint: `${base}/end-session`,
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
  };
}

function describeIntrospection(endpoint: string): object {
  return {
    introspection_endpoint: endpoint,
    introspect_endpoint: endpoint, // the name that the reference service's own schema uses (reference 6 #9)
    introspection_endpoint_auth_methods_supported: listClientAuthenticationMethods("confidential"),
  };
}

// RFC 8414 §3.2: a member without elements is omitted.
function describeScopes(context: ApplicationContext): object {
  const scopes = scopesOf(context);
  return scopes.length === 0 ? {} : { scopes_supported: scopes };
}

function scopesOf(context: ApplicationContext): readonly string[] {
  const { client } = context;
  const openid =
    client.type === "oidc" ? OPENID_SCOPES.filter((scope) => scope !== "offline_access" || client.refresh.enabled) : [];
  return [...openid, ...client.allowedScopes];
}

// Specification section 2; settled 16: scopes and parents may lower it further.
function describeLifetimes(context: ApplicationContext): object {
  const { client, realm, tenant, resourceServer } = context;
  const { minimumSeconds, maximumSeconds } = advertisedLifetimes(
    {
      applicationSeconds: client.expiresAfterSeconds,
      resourceServerSeconds: resourceServer?.maxExpiresAfterSeconds,
      realmSeconds: realm.tokenPolicy.maxExpiresAfterSeconds,
      tenantSeconds: tenant.tokenPolicy.maxExpiresAfterSeconds,
    },
    realm.tokenPolicy.minExpiresAfterSeconds ?? 1,
  );
  return {
    expiration_time_parameter_supported: true,
    expiration_time_min: minimumSeconds,
    expiration_time_max: maximumSeconds,
  };
}
