import { type Static, Type } from "typebox";
import { CeilingPolicy, LiveTokens, Name } from "../schema-parts.ts";
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
