import { type Static, Type } from "typebox";
import { PLACE } from "../answer-parts.ts";
import {
  ApplicationIds,
  CeilingPolicy,
  Lifetime,
  PlainName,
  SCOPES_MAX,
  Scope,
  Scopes,
  Uuid,
} from "../schema-parts.ts";
import { bodyOf } from "../settings.ts";

const IDENTIFIER_LENGTH_MAX = 255;

const ScopePolicy = Type.Object({ scope: Scope, max_expires_after: Lifetime }, { additionalProperties: false });

/** What is written of a resource server. */
export const ResourceServerSettings = Type.Object(
  {
    display_name: PlainName,
    identifier: Type.String({ minLength: 1, maxLength: IDENTIFIER_LENGTH_MAX, pattern: "^[\\x21-\\x7e]*$" }),
    scopes: Scopes,
    token_policy: CeilingPolicy,
    scope_policies: Type.Array(ScopePolicy, { maxItems: SCOPES_MAX }),
    introspectors: ApplicationIds,
  },
  { additionalProperties: false },
);
export type ResourceServerSettings = Static<typeof ResourceServerSettings>;

export const ResourceServerBody = bodyOf(ResourceServerSettings);
export type ResourceServerBody = Static<typeof ResourceServerBody>;

/** A resource server as the API shows it. */
export const ResourceServerAnswer = Type.Object(
  { id: Uuid, ...PLACE, is_managed: Type.Boolean(), ...ResourceServerSettings.properties },
  { additionalProperties: false },
);
export type ResourceServerAnswer = Static<typeof ResourceServerAnswer>;
