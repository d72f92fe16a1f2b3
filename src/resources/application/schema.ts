import { type Static, Type } from "typebox";
import { CUSTOM_CLAIMS_BYTES_MAX } from "../../protocol/custom-claims.ts";
import { PLACE } from "../answer-parts.ts";
import { ApplicationIds, Lifetime, LiveTokens, oneOf, PlainName, Scopes, Uuid } from "../schema-parts.ts";
import { bodyOf } from "../settings.ts";

const SIGNING_ALGORITHMS = ["RS256", "ES256", "PS256", "EdDSA"] as const;
/** Most redirect URIs that one application registers. */
const REDIRECT_URIS_MAX = 100;
/** Longest grace window of a rotated refresh token, in seconds (rule 4). */
const REFRESH_GRACE_SECONDS_MAX = 60;

// checkRegisteredRedirectUri of the protocol judges the rest.
const RedirectUris = Type.Array(Type.String({ minLength: 1 }), { maxItems: REDIRECT_URIS_MAX });

/** How the tokens of an application live and look. */
const TokenConfiguration = Type.Object(
  {
    expires_after: Lifetime,
    default_expires_after: Type.Optional(Lifetime),
    max_live_tokens: Type.Optional(LiveTokens),
    over_limit: oneOf(["reject", "clamp"]),
    token_signing_algorithm: oneOf(SIGNING_ALGORITHMS),
    subject_field: oneOf(["id", "email", "username"]),
    custom_claims: oneOf(["allow", "deny"]),
    custom_claims_max_bytes: Type.Integer({ minimum: 1, maximum: CUSTOM_CLAIMS_BYTES_MAX }),
    id_token_expires_after: Lifetime,
    id_token_claims: oneOf(["scopes", "standard"]),
    id_token_signed_response_alg: oneOf(SIGNING_ALGORITHMS),
    userinfo_signed_response_alg: Type.Optional(oneOf(SIGNING_ALGORITHMS)),
    status_list: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

/** Rule 4. */
const RefreshTokenConfiguration = Type.Object(
  {
    enabled: Type.Boolean(),
    absolute_duration: Type.Optional(Lifetime),
    rotate: Type.Boolean(),
    grace_seconds: Type.Integer({ minimum: 0, maximum: REFRESH_GRACE_SECONDS_MAX }),
  },
  { additionalProperties: false },
);

/** `protocol_config` as it is stored: complete, without the client's credentials, which have columns of their own. */
export const ProtocolConfig = Type.Object(
  {
    type: oneOf(["oauth2", "oidc"]),
    confidentiality: oneOf(["confidential", "public"]),
    grant_type: Type.Array(oneOf(["authorization_code", "client_credentials"]), { minItems: 1 }),
    allowed_scopes: Scopes,
    redirect_uris: RedirectUris,
    pkce: oneOf(["disabled", "plain", "s256"]),
    token_format: oneOf(["self_contained", "referential"]),
    token_configuration: TokenConfiguration,
    refresh_token_configuration: RefreshTokenConfiguration,
    issuer_mode: oneOf(["application", "realm"]),
    subject_type: Type.Optional(oneOf(["public", "pairwise"])),
    consent: Type.Optional(oneOf(["none", "remembered", "always"])),
    post_logout_redirect_uris: RedirectUris,
    backchannel_logout_uri: Type.Optional(Type.String({ minLength: 1 })),
    backchannel_logout_session_required: Type.Boolean(),
  },
  { additionalProperties: false },
);
export type ProtocolConfig = Static<typeof ProtocolConfig>;

/** What is written of an application. */
export const ApplicationSettings = Type.Object(
  {
    display_name: PlainName,
    resource_server_id: Type.Optional(Uuid),
    authenticator_config_id: Type.Optional(Uuid),
    target_realm: Type.String({ pattern: "^(\\*|[0-9a-f]{16})$" }),
    may_be_exchanged_by: ApplicationIds,
    protocol_config: ProtocolConfig,
  },
  { additionalProperties: false },
);
export type ApplicationSettings = Static<typeof ApplicationSettings>;

export const ApplicationBody = bodyOf(ApplicationSettings);
export type ApplicationBody = Static<typeof ApplicationBody>;

/** `protocol_config` as the API shows it, with the client's credentials. */
const ShownProtocolConfig = Type.Object(
  {
    ...ProtocolConfig.properties,
    client_id: Type.String(),
    client_secret: Type.Optional(Type.String()),
    token_endpoint_auth_method: oneOf(["client_secret_basic", "none"]),
  },
  { additionalProperties: false },
);

/** An application as the API shows it. */
export const ApplicationAnswer = Type.Object(
  {
    id: Uuid,
    ...PLACE,
    is_managed: Type.Boolean(),
    classification: Type.String(),
    ...ApplicationSettings.properties,
    protocol_config: ShownProtocolConfig,
  },
  { additionalProperties: false },
);
export type ApplicationAnswer = Static<typeof ApplicationAnswer>;

/** Longest time that a rotated secret stays good, in seconds: a week. */
const OVERLAP_SECONDS_MAX = 604_800;

/** How long the old secret stays good beside the new one. */
export const RotateSecretBody = Type.Object(
  { overlap_seconds: Type.Optional(Type.Integer({ minimum: 0, maximum: OVERLAP_SECONDS_MAX })) },
  { additionalProperties: false },
);
