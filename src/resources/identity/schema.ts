import { type Static, Type } from "typebox";
import { PLACE, TIMES } from "../answer-parts.ts";
import { HexId, IdentityIds, Name, oneOf } from "../schema-parts.ts";
import { bodyOf } from "../settings.ts";

const TRAIT_LENGTH_MAX = 1024;
const ADDRESS_LENGTH_MAX = 254; // RFC 5321 §4.5.3.1.3, without the angle brackets

const Text = Type.Optional(Type.String({ maxLength: TRAIT_LENGTH_MAX, pattern: "^[^\\u0000-\\u001f\\u007f]*$" }));
const Lines = Type.Optional(Type.String({ maxLength: TRAIT_LENGTH_MAX }));
// Whether mail arrives there only mail can tell; the pattern keeps headers and lists out.
const Address = Type.Optional(
  Type.String({ maxLength: ADDRESS_LENGTH_MAX, pattern: '^([^\\s@,;<>"()\\u0000-\\u001f\\u007f]+@[^\\s@,;<>"()]+)?$' }),
);

/** What is known of a person: `traits_v0` of reference 2.3. */
export const Traits = Type.Object(
  {
    type: oneOf(["traits_v0"]),
    username: Name,
    primary_email_address: Address,
    secondary_email_address: Address,
    external_id: Text,
    family_name: Text,
    given_name: Text,
    formatted_name: Text,
    middle_name: Text,
    honorific_prefix: Text,
    honorific_suffix: Text,
    nick_name: Text,
    title: Text,
    primary_phone: Text,
    secondary_phone: Text,
    profile_url: Text,
    photo: Text,
    preferred_language: Text,
    locale: Text,
    timezone: Text,
    formatted_address: Lines,
    street_address: Lines,
    locality: Text,
    region: Text,
    postal_code: Text,
    country: Text,
    user_type: Text,
    employee_number: Text,
    cost_center: Text,
    organization: Text,
    division: Text,
    department: Text,
    manager_id: Text,
    manager_name: Text,
  },
  { additionalProperties: false },
);
export type Traits = Static<typeof Traits>;

/** What is written of an identity. */
export const IdentitySettings = Type.Object(
  { display_name: Name, status: oneOf(["active", "suspended"]), traits: Traits },
  { additionalProperties: false },
);
export type IdentitySettings = Static<typeof IdentitySettings>;

export const IdentityBody = bodyOf(IdentitySettings);
export type IdentityBody = Static<typeof IdentityBody>;

/** How far somebody is on the way to a passkey (reference 2.3). */
const ENROLLMENT_STATUSES = ["ENROLLED", "PENDING", "INVITE_FAILED", "UNENROLLED"] as const;
export type EnrollmentStatus = (typeof ENROLLMENT_STATUSES)[number];

/** An identity as the API shows it; lists of members leave the enrollment out. */
export const IdentityAnswer = Type.Object(
  {
    id: HexId,
    ...PLACE,
    ...IdentitySettings.properties,
    enrollment_status: Type.Optional(oneOf(ENROLLMENT_STATUSES)),
    ...TIMES,
  },
  { additionalProperties: false },
);
export type IdentityAnswer = Static<typeof IdentityAnswer>;

/** Identities to be deleted together. */
export const IdentityBatchBody = Type.Object({ ids: IdentityIds }, { additionalProperties: false });
