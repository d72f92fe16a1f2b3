import { type Static, Type } from "typebox";
import { TIMES } from "../answer-parts.ts";
import { HexId, Lifetime, Name, oneOf } from "../schema-parts.ts";
import { bodyOf } from "../settings.ts";

export const REALM_CLASSIFICATIONS = ["SECURE_WORKFORCE", "SECURE_CUSTOMER"] as const;

const RealmTokenPolicy = Type.Object(
  { max_expires_after: Type.Optional(Lifetime), min_expires_after: Type.Optional(Lifetime) },
  { additionalProperties: false },
);
const SessionPolicy = Type.Object({ idle: Lifetime, absolute: Lifetime }, { additionalProperties: false });

/** What is written of a realm. */
export const RealmSettings = Type.Object(
  {
    display_name: Name,
    classification: oneOf(REALM_CLASSIFICATIONS),
    auto_provision: Type.Boolean(),
    token_policy: RealmTokenPolicy,
    session_policy: SessionPolicy,
  },
  { additionalProperties: false },
);
export type RealmSettings = Static<typeof RealmSettings>;

export const RealmBody = bodyOf(RealmSettings);
export type RealmBody = Static<typeof RealmBody>;

/** A realm as the API shows it. */
export const RealmAnswer = Type.Object(
  { id: HexId, tenant_id: HexId, ...RealmSettings.properties, is_admin: Type.Boolean(), ...TIMES },
  { additionalProperties: false },
);
export type RealmAnswer = Static<typeof RealmAnswer>;
