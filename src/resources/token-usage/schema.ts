import { type Static, Type } from "typebox";
import { Lifetime, oneOf, Uuid } from "../schema-parts.ts";
import { USAGE_DAYS_KEPT } from "./queries.ts";

/** Days that are looked at where nobody says how many. */
export const USAGE_DAYS_DEFAULT = 30;

const Count = Type.Integer({ minimum: 0 });
const Percentiles = Type.Object({ p50: Count, p90: Count, p99: Count, max: Count }, { additionalProperties: false });

const Usage = {
  tokens_issued: Count,
  uses_seen: Count,
  /** absent where nothing was issued */
  granted_lifetime: Type.Optional(Percentiles),
  /** seconds from the issue of a token, or its `not_before`, to a use; absent where none was seen */
  age_at_use: Type.Optional(Percentiles),
  /** what a token gets now whose request names no lifetime */
  default_lifetime: Type.Integer({ minimum: 1 }),
  recommended_lifetime: Type.Optional(Lifetime),
  /** why nothing is recommended */
  no_recommendation: Type.Optional(oneOf(["too_few_uses", "nothing_shorter"])),
  /** what was granted beyond the recommended lifetime, and its part of all that was granted */
  unused_exposure: Type.Optional(
    Type.Object(
      { token_seconds: Count, share: Type.Number({ minimum: 0, maximum: 1 }) },
      { additionalProperties: false },
    ),
  ),
  /** uses that were seen of tokens older than the recommended lifetime */
  later_uses: Type.Optional(Count),
};

/** How the tokens of one application were granted and used. */
export const TokenUsageAnswer = Type.Object(
  {
    application_id: Uuid,
    /** from the first second of a day on, in tenant time */
    since: Type.Integer(),
    days: Type.Integer({ minimum: 1, maximum: USAGE_DAYS_KEPT }),
    all: Type.Object(Usage, { additionalProperties: false }),
    scopes: Type.Array(Type.Object({ scope: Type.String(), ...Usage }, { additionalProperties: false })),
  },
  { $id: "TokenUsage", additionalProperties: false },
);
export type TokenUsageAnswer = Static<typeof TokenUsageAnswer>;

/** How many days are looked at, today included. A query is text. */
export const TokenUsageQuery = Type.Object(
  { days: Type.Optional(Type.String({ pattern: "^([1-9]|[1-8][0-9]|90)$" })) },
  { additionalProperties: false },
);

/** What to make the default lifetime: this, or what is recommended by so many days. */
export const ApplyUsageBody = Type.Object(
  {
    default_expires_after: Type.Optional(Lifetime),
    days: Type.Optional(Type.Integer({ minimum: 1, maximum: USAGE_DAYS_KEPT })),
  },
  { additionalProperties: false },
);

/** The default lifetime that an application has now, and had before. */
export const AppliedUsage = Type.Object(
  {
    application_id: Uuid,
    default_expires_after: Lifetime,
    /** absent where it said nothing, so that `expires_after` was the default */
    previous_default_expires_after: Type.Optional(Lifetime),
    basis: oneOf(["recommendation", "given"]),
  },
  { additionalProperties: false },
);
