import { type Static, Type } from "typebox";
import { PLACE } from "../answer-parts.ts";
import { HexId, oneOf, PlainName, Uuid } from "../schema-parts.ts";
import { bodyOf } from "../settings.ts";

const LIST_MAX = 100;
const URL_LENGTH_MAX = 2048;

const UrlText = Type.String({ minLength: 1, maxLength: URL_LENGTH_MAX });
const closed = { additionalProperties: false };

const AuthenticationMethod = Type.Object(
  {
    type: oneOf(["webauthn_passkey", "software_passkey", "email_one_time_password", "fido2"]),
    authenticator_attachment: Type.Optional(oneOf(["platform", "cross-platform"])),
  },
  closed,
);

const OnboardingConfiguration = Type.Object(
  {
    verification_method: Type.Object({ type: oneOf(["idp", "none"]), idp_id: Type.Optional(Uuid) }, closed),
  },
  closed,
);

const RoamingAuthConfig = Type.Object(
  {
    enabled: Type.Boolean(),
    allow_unknown_user: Type.Boolean(),
    allowed_source_ips: Type.Array(Type.String({ minLength: 1 }), { maxItems: LIST_MAX }),
    allowed_user_group_ids: Type.Array(HexId, { maxItems: LIST_MAX }),
    allowed_user_ids: Type.Array(HexId, { maxItems: LIST_MAX }),
  },
  closed,
);

/** `config`: which members a type takes, the rules say. */
export const AuthenticatorSettings = Type.Object(
  {
    type: oneOf(["hosted_web", "embedded", "console", "platform"]),
    invoke_url: Type.Optional(UrlText),
    invocation_type: Type.Optional(oneOf(["automatic", "manual"])),
    trusted_origins: Type.Optional(Type.Array(UrlText, { maxItems: LIST_MAX })),
    authentication_methods: Type.Optional(Type.Array(AuthenticationMethod, { maxItems: LIST_MAX })),
    onboarding_configuration: Type.Optional(OnboardingConfiguration),
    roaming_auth_config: Type.Optional(RoamingAuthConfig),
  },
  closed,
);
export type AuthenticatorSettings = Static<typeof AuthenticatorSettings>;

/** What is written of an authenticator config. */
export const AuthenticatorConfigSettings = Type.Object(
  { display_name: Type.Optional(PlainName), config: AuthenticatorSettings },
  closed,
);
export type AuthenticatorConfigSettings = Static<typeof AuthenticatorConfigSettings>;

export const AuthenticatorConfigBody = bodyOf(AuthenticatorConfigSettings);
export type AuthenticatorConfigBody = Static<typeof AuthenticatorConfigBody>;

/** An authenticator config as the API shows it. */
export const AuthenticatorConfigAnswer = Type.Object(
  { id: Uuid, ...PLACE, ...AuthenticatorConfigSettings.properties },
  closed,
);
export type AuthenticatorConfigAnswer = Static<typeof AuthenticatorConfigAnswer>;
