// Members that many nouns have (reference 2.1, 2.3).

import { type TUnsafe, Type } from "typebox";
import { LIST_PAGE_TOKEN_LENGTH_MAX } from "../http/list-page-token.ts";
import { HEX_ID, UUID } from "../protocol/id-grammar.ts";
import { LIFETIME_SECONDS_MAX } from "../protocol/lifetime.ts";
import { LIVE_TOKENS_MAX } from "../protocol/live-count.ts";
import { FILTER_LENGTH_MAX } from "../protocol/scim-filter.ts";

/** Most elements of a list of application ids. */
const APPLICATION_IDS_MAX = 100;
/** Most scopes that a resource server has (reference 2.3). */
export const SCOPES_MAX = 1000;
const SCOPE_LENGTH_MAX = 256;

/** 16 lowercase hexadecimal digits: tenants, realms, groups, identities, roles. */
export const HexId = Type.String({ pattern: HEX_ID.source });
/** A UUID: applications, resource servers, authenticator configs. */
export const Uuid = Type.String({ pattern: UUID.source });

const NAME_CHARACTERS = "[^\\u0000-\\u001f\\u007f{}\\[\\]<>;:?\\\\/|*^%$#=~!`]";
/** NAME of reference 2.3. */
export const Name = Type.String({ minLength: 1, maxLength: 64, pattern: `^${NAME_CHARACTERS}*$` });
/** DESC300 of reference 2.3. */
export const Description = Type.String({ maxLength: 300, pattern: `^${NAME_CHARACTERS}*$` });
/** The display name of nouns that reference 2.3 leaves unconstrained. */
export const PlainName = Type.String({ minLength: 1, maxLength: 64, pattern: "^[^\\u0000-\\u001f\\u007f]*$" });

/** A scope-token of RFC 6749 §3.3. */
export const Scope = Type.String({
  minLength: 1,
  maxLength: SCOPE_LENGTH_MAX,
  pattern: "^[\\x21\\x23-\\x5b\\x5d-\\x7e]*$",
});
export const Scopes = Type.Array(Scope, { maxItems: SCOPES_MAX });
export const ApplicationIds = Type.Array(Uuid, { maxItems: APPLICATION_IDS_MAX });

/** Most objects that one request may name (reference 2.2). */
const IDS_MAX = 1000;
/** One to a thousand identities. */
export const IdentityIds = Type.Array(HexId, { minItems: 1, maxItems: IDS_MAX });

/** Up to a thousand ids of people or groups. */
export const HexIds = Type.Array(HexId, { maxItems: IDS_MAX });

/** Whole seconds from one second to the largest lifetime of all (rule 31). */
export const Lifetime = Type.Integer({ minimum: 1, maximum: LIFETIME_SECONDS_MAX });

/** A quota of live tokens (rule 37). */
export const LiveTokens = Type.Integer({ minimum: 1, maximum: LIVE_TOKENS_MAX });

/** `token_policy` of a tenant or resource server: a ceiling. */
export const CeilingPolicy = Type.Object(
  { max_expires_after: Type.Optional(Lifetime) },
  { additionalProperties: false },
);
export type CeilingPolicy = Type.Static<typeof CeilingPolicy>;

/** One of a few words. */
export function oneOf<const Words extends readonly string[]>(words: Words): TUnsafe<Words[number]> {
  return Type.Unsafe<Words[number]>({ type: "string", enum: [...words] });
}

/** The members of a list's query (reference 2.1), which `parseListQuery` reads: a query is text. */
export const ListQueryParts = {
  page_size: Type.Optional(Type.String({ maxLength: 100 })),
  page_token: Type.Optional(Type.String({ maxLength: LIST_PAGE_TOKEN_LENGTH_MAX })),
  skip: Type.Optional(Type.String({ maxLength: 10 })),
  filter: Type.Optional(Type.String({ maxLength: FILTER_LENGTH_MAX })),
};
