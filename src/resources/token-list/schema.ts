import { type Static, Type } from "typebox";
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
