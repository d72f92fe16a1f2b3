import { type Static, Type } from "typebox";
import { TIMES } from "../answer-parts.ts";
import { CeilingPolicy, HexId, LiveTokens, Name, oneOf, Uuid } from "../schema-parts.ts";
import { bodyOf } from "../settings.ts";

/** Switches of a tenant: `plain` PKCE (rule 6), secrets shown once (mayfly.md §4), decisions kept longer (rule 24). */
const TenantSwitches = Type.Object(
  {
    allow_plain_pkce: Type.Boolean(),
    show_secrets_once: Type.Boolean(),
    keep_token_requests: Type.Boolean(),
  },
  { additionalProperties: false },
);

/** `token_policy` of a tenant: a ceiling of lifetimes, and how many tokens may live at a time (rule 37). */
const TenantTokenPolicy = Type.Object(
  { ...CeilingPolicy.properties, max_live_tokens: Type.Optional(LiveTokens) },
  { additionalProperties: false },
);

/** What is written of a tenant. */
export const TenantSettings = Type.Object(
  { display_name: Name, token_policy: TenantTokenPolicy, settings: TenantSwitches },
  { additionalProperties: false },
);
export type TenantSettings = Static<typeof TenantSettings>;

export const TenantBody = bodyOf(TenantSettings);
export type TenantBody = Static<typeof TenantBody>;

/** Whose clock may be moved, and whose not (rule 26). */
const TENANT_KINDS = ["production", "test"] as const;

/** A tenant as the API shows it to its own administrators. */
export const TenantAnswer = Type.Object(
  { id: HexId, ...TenantSettings.properties, kind: oneOf(TENANT_KINDS), ...TIMES },
  { additionalProperties: false },
);
export type TenantAnswer = Static<typeof TenantAnswer>;

const ROWS_MAX = 1_000_000_000;
const Rows = Type.Integer({ minimum: 0, maximum: ROWS_MAX });

/** What an operator allows a tenant; what is left out is the product's default. */
export const TenantQuotas = Type.Object(
  {
    max_applications: Type.Optional(Rows),
    max_identities: Type.Optional(Rows),
    max_live_tokens: Type.Optional(LiveTokens),
    /** in each realm; a tenth of it from one source network */
    logins_per_minute: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000_000 })),
    requests_per_minute: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000_000 })),
  },
  { additionalProperties: false },
);
export type TenantQuotas = Static<typeof TenantQuotas>;

export const TenantQuotasBody = bodyOf(TenantQuotas);
export type TenantQuotasBody = Static<typeof TenantQuotasBody>;

/** What an operator says of a new tenant. */
export const NewTenantBody = Type.Object(
  { display_name: Name, kind: Type.Optional(oneOf(TENANT_KINDS)), quotas: Type.Optional(TenantQuotasBody) },
  { additionalProperties: false },
);

export type NewTenantBody = Static<typeof NewTenantBody>;

/** A tenant as it is shown to an operator. */
export const OperatedTenantAnswer = Type.Object(
  { id: HexId, display_name: Name, kind: oneOf(TENANT_KINDS), quotas: TenantQuotas, ...TIMES },
  { additionalProperties: false },
);
export type OperatedTenantAnswer = Static<typeof OperatedTenantAnswer>;

const Url = Type.String({ format: "uri" });

/** A new tenant, and all that is needed to manage it: what `bootstrap.json` holds of the first. */
export const TenantAccessAnswer = Type.Object(
  {
    ...OperatedTenantAnswer.properties,
    public_url: Url,
    tenant_id: HexId,
    realm_id: HexId,
    application_id: Uuid,
    client_id: Type.String(),
    client_secret: Type.Optional(Type.String()),
    issuer: Url,
    token_endpoint: Url,
    introspection_endpoint: Url,
  },
  { additionalProperties: false },
);
