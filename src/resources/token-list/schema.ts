import { type Static, Type } from "typebox";
import { LIFETIME_SECONDS_MAX } from "../../protocol/lifetime.ts";
import { oneOf } from "../schema-parts.ts";

/** A token as the management API shows it (reference 1.12). */
export const TokenResource = Type.Object(
  {
    id: Type.String(),
    display_name: Type.String(),
    scopes: Type.Array(Type.String()),
    token_suffix: Type.String(),
    token_format: Type.Union([Type.Literal("self_contained"), Type.Literal("referential")]),
    expires: Type.Integer(),
    issued_at: Type.Integer(),
    token_type: Type.Union([Type.Literal("access"), Type.Literal("refresh"), Type.Literal("identity")]),
  },
  { $id: "Token" },
);
export type TokenResource = Static<typeof TokenResource>;

/** A live token with all that can be said of it, but never itself (rule 28). */
export const TokenDetail = Type.Object(
  {
    id: Type.String(),
    token_type: Type.Union([Type.Literal("access"), Type.Literal("refresh")]),
    token_format: Type.Union([Type.Literal("self_contained"), Type.Literal("referential")]),
    subject: Type.String(),
    scopes: Type.Array(Type.String()),
    issued_at: Type.Integer(),
    not_before: Type.Integer({ description: "From when it is valid, seconds since 1970." }),
    expires: Type.Integer({ description: "When it ends: its own end, or that of what it descends from." }),
    issued_lifetime: Type.Optional(
      Type.Integer({
        description: "How many seconds it was to live when it was issued, whatever was shortened since.",
      }),
    ),
    uses_left: Type.Optional(
      Type.Integer({ description: "How often it may still be used; absent: as often as it is wanted." }),
    ),
    parent_id: Type.Optional(Type.String({ description: "The token or the grant that it comes from." })),
    lifetime: Type.Optional(
      Type.Unknown({ description: "How its lifetime came about: every ceiling that was considered, and which won." }),
    ),
  },
  { $id: "TokenDetail" },
);
export type TokenDetail = Static<typeof TokenDetail>;

/** The body of a shortening: how many seconds the token may live from now on. */
export const ShortenTokenBody = Type.Object(
  { expiration_time: Type.Integer({ minimum: 1, maximum: LIFETIME_SECONDS_MAX }) },
  { additionalProperties: false },
);
export type ShortenTokenBody = Static<typeof ShortenTokenBody>;

/** The query of the token list. Numbers are read by the list itself: a query is text. */
export const TokenListQuery = Type.Object(
  {
    principal_type: Type.Optional(oneOf(["application", "identity"])),
    principal_id: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    page_size: Type.Optional(Type.String({ maxLength: 100 })),
    page_token: Type.Optional(Type.String({ maxLength: 2000 })),
  },
  { additionalProperties: false },
);
export type TokenListQuery = Static<typeof TokenListQuery>;

/** A token in a tree: what it descends from, until when it lives with all of that, and why it is dead. */
const TokenTreeNode = Type.Object(
  {
    id: Type.String(),
    token_type: oneOf(["access", "refresh"]),
    application_id: Type.String(),
    grant_type: Type.Optional(Type.String()),
    parent_id: Type.Optional(Type.String()),
    issued_at: Type.Integer(),
    expires: Type.Integer(),
    alive: Type.Boolean(),
    cause: Type.Optional(Type.String()),
  },
  { $id: "TokenTreeNode", additionalProperties: false },
);
export type TokenTreeNode = Static<typeof TokenTreeNode>;

/** A page of a tree: the token that was asked for, first, and what descends from it, by when it was made. */
export const TokenTree = Type.Object(
  { tokens: Type.Array(TokenTreeNode), next_page_token: Type.Optional(Type.String()) },
  { $id: "TokenTree", additionalProperties: false },
);
export type TokenTree = Static<typeof TokenTree>;

/** The query of a tree. Numbers are read by the tree itself: a query is text. */
export const TokenTreeQuery = Type.Object(
  {
    page_size: Type.Optional(Type.String({ maxLength: 100 })),
    page_token: Type.Optional(Type.String({ maxLength: 2000 })),
  },
  { additionalProperties: false },
);
export type TokenTreeQuery = Static<typeof TokenTreeQuery>;
