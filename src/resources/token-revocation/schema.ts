import { type Static, Type } from "typebox";
import { PLACE, TIMES } from "../answer-parts.ts";
import { HexId, Lifetime, oneOf, Scope, Uuid } from "../schema-parts.ts";

const closed = { additionalProperties: false };

/** What may be done to many tokens. */
const ENDING_ACTIONS = ["revoke", "shorten"] as const;

/** The largest second that may be said, far beyond every lifetime. */
const SECOND_MAX = 2 ** 40;

/** Which tokens: all members that are there have to fit. */
export const TokenFilter = Type.Object(
  {
    application_id: Type.Optional(Uuid),
    identity_id: Type.Optional(HexId),
    group_id: Type.Optional(HexId),
    key_id: Type.Optional(Type.String({ minLength: 1, maxLength: 128, pattern: "^[A-Za-z0-9_-]+$" })),
    scope: Type.Optional(Scope),
    issued_before: Type.Optional(
      Type.Integer({ minimum: 1, maximum: SECOND_MAX, description: "Seconds since 1970; not in the future." }),
    ),
  },
  { ...closed, minProperties: 1 },
);
export type TokenFilter = Static<typeof TokenFilter>;

/** What is asked for. */
export const TokenRevocationBody = Type.Object(
  {
    action: Type.Optional(oneOf(ENDING_ACTIONS)),
    filter: TokenFilter,
    expiration_time: Type.Optional(Lifetime),
  },
  closed,
);
export type TokenRevocationBody = Static<typeof TokenRevocationBody>;

const Count = Type.Integer({ minimum: 0 });

/** What was done, as far as the job has come; final when `state` is DONE. */
const Receipt = Type.Object(
  {
    matched: Count,
    already_dead: Type.Integer({ minimum: 0, description: "Of these, those that were dead when it was asked for." }),
    changed: Type.Integer({ minimum: 0, description: "Of these, those that were revoked, or given an earlier end." }),
    access_tokens: Type.Integer({ minimum: 0, description: "Of those that matched, access tokens." }),
    refresh_families: Type.Integer({ minimum: 0, description: "Of those that matched, families of refresh tokens." }),
    accepted_offline_until: Type.Union([Type.Integer(), Type.Null()], {
      description:
        "The largest exp that was said of a live self-contained token that matched: until then who validates offline may accept one. null: there was none.",
    }),
  },
  closed,
);

/** Many tokens that are or were ended at once, as the API shows it. */
export const TokenRevocationAnswer = Type.Object(
  {
    id: Uuid,
    ...PLACE,
    action: oneOf(ENDING_ACTIONS),
    filter: TokenFilter,
    expires: Type.Optional(Type.Integer({ description: "Where tokens are shortened: when they end at the latest." })),
    state: oneOf(["RUNNING", "DONE"]),
    is_in_force: Type.Boolean({
      description:
        "Whether no token that matches lives longer than it may: at once where one fact says it all, else when it is done.",
    }),
    progress: Type.Object({ step: Type.String(), looked_at: Count }, closed),
    receipt: Receipt,
    ...TIMES,
  },
  { $id: "TokenRevocation", ...closed },
);
export type TokenRevocationAnswer = Static<typeof TokenRevocationAnswer>;
