import { type Static, Type } from "typebox";
import { CREDENTIAL_TYPES, RULE_ACTIONS, TRANSACTION_TYPES, VERDICTS } from "../../protocol/policy.ts";
import { PLACE } from "../answer-parts.ts";
import { ApplicationIds, HexId, oneOf, Uuid } from "../schema-parts.ts";

const RULES_MAX = 100;
const LIST_MAX = 100;
const closed = { additionalProperties: false };

const RuleId = Type.String({ pattern: "^[A-Za-z0-9_-]{1,64}$" });

const PolicyMatch = Type.Object(
  {
    transaction_types: Type.Optional(Type.Array(oneOf(TRANSACTION_TYPES), { maxItems: TRANSACTION_TYPES.length })),
    application_ids: Type.Optional(ApplicationIds),
    group_ids: Type.Optional(Type.Array(HexId, { maxItems: LIST_MAX })),
    credential_types: Type.Optional(Type.Array(oneOf(CREDENTIAL_TYPES), { maxItems: CREDENTIAL_TYPES.length })),
    source_cidrs: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 50 }), { maxItems: LIST_MAX })),
  },
  closed,
);

/** What is written of a policy: all of it, each time. */
export const PolicyBody = Type.Object(
  {
    rules: Type.Array(Type.Object({ id: RuleId, match: PolicyMatch, action: oneOf(RULE_ACTIONS) }, closed), {
      maxItems: RULES_MAX,
    }),
    default_action: oneOf(VERDICTS),
  },
  closed,
);
export type PolicyBody = Static<typeof PolicyBody>;

/** A version of a policy as the API shows it. Version 0 is that of a realm that nobody gave one. */
export const PolicyAnswer = Type.Object(
  {
    version: Type.Integer({ minimum: 0 }),
    ...PLACE,
    ...PolicyBody.properties,
    create_time: Type.Optional(Type.String({ format: "date-time" })),
  },
  closed,
);
export type PolicyAnswer = Static<typeof PolicyAnswer>;

/** A transaction that is only thought of, and a policy that may be, too. */
export const EvaluationBody = Type.Object(
  {
    transaction: Type.Object(
      {
        type: oneOf(TRANSACTION_TYPES),
        application_id: Type.Optional(Uuid),
        identity_id: Type.Optional(HexId),
        group_ids: Type.Optional(Type.Array(HexId, { maxItems: LIST_MAX })),
        credential_type: Type.Optional(oneOf(CREDENTIAL_TYPES)),
        source_address: Type.Optional(Type.String({ minLength: 1, maxLength: 50 })),
      },
      closed,
    ),
    policy: Type.Optional(PolicyBody),
  },
  closed,
);
export type EvaluationBody = Static<typeof EvaluationBody>;

/** What a policy would say, and why. */
export const EvaluationAnswer = Type.Object(
  {
    action: oneOf(VERDICTS),
    /** of the policy that holds; absent for one that was sent */
    version: Type.Optional(Type.Integer({ minimum: 0 })),
    /** the rule that decided; absent where the default did */
    rule_id: Type.Optional(RuleId),
    monitored: Type.Array(RuleId),
    steps: Type.Array(
      Type.Object({ rule_id: RuleId, matches: Type.Boolean(), unmet: Type.Array(Type.String()) }, closed),
    ),
  },
  closed,
);
export type EvaluationAnswer = Static<typeof EvaluationAnswer>;
