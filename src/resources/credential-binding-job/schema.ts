import { type Static, Type } from "typebox";
import { REDIRECT_URI_LENGTH_MAX } from "../../protocol/redirect-uri.ts";
import { PLACE, TIMES } from "../answer-parts.ts";
import { AuthenticatorSettings } from "../authenticator-config/schema.ts";
import { HexId, oneOf, Uuid } from "../schema-parts.ts";
import { bodyOf } from "../settings.ts";

const closed = { additionalProperties: false };

/** The link is in the answer, or mailed to the person. */
const DELIVERY_METHODS = ["RETURN", "EMAIL"] as const;
export type DeliveryMethod = (typeof DELIVERY_METHODS)[number];

/** The states as they are stored. */
export type StoredJobState =
  | "LINK_SENT"
  | "LINK_OPENED"
  | "REQUEST_DELIVERED"
  | "COMPLETE"
  | "FAILED_TO_SEND"
  | "REVOKED";
/** The states as they are shown: a job that is over its time and not at its end is EXPIRED. */
export type JobState = StoredJobState | "EXPIRED";
const JOB_STATES: readonly JobState[] = [
  "LINK_SENT",
  "LINK_OPENED",
  "REQUEST_DELIVERED",
  "COMPLETE",
  "EXPIRED",
  "FAILED_TO_SEND",
  "REVOKED",
];

/** Where a credential is bound, and where its person goes then. */
export const BindingTarget = Type.Object(
  {
    post_binding_redirect_uri: Type.Optional(Type.String({ minLength: 1, maxLength: REDIRECT_URI_LENGTH_MAX })),
    /** this, or one that is the job's alone */
    authenticator_config_id: Type.Optional(Uuid),
    authenticator_config: Type.Optional(Type.Object({ config: AuthenticatorSettings }, closed)),
  },
  closed,
);
export type BindingTarget = Static<typeof BindingTarget>;

/** What is written of a credential binding job, once. */
export const BindingJobSettings = Type.Object(
  { delivery_method: oneOf(DELIVERY_METHODS), ...BindingTarget.properties },
  closed,
);
export type BindingJobSettings = Static<typeof BindingJobSettings>;

export const BindingJobBody = bodyOf(BindingJobSettings);
export type BindingJobBody = Static<typeof BindingJobBody>;

/** A credential binding job as the API shows it. */
export const BindingJobAnswer = Type.Object(
  {
    id: HexId,
    identity_id: HexId,
    ...PLACE,
    credential_id: Type.Optional(HexId),
    batch_id: Type.Optional(Uuid),
    state: Type.Unsafe<JobState>({ type: "string", enum: [...JOB_STATES] }),
    ...BindingJobSettings.properties,
    expire_time: TIMES.create_time,
    ...TIMES,
  },
  closed,
);
export type BindingJobAnswer = Static<typeof BindingJobAnswer>;

/** What a new job is answered with: the link, where it is returned, and nowhere else ever. */
export const NewBindingJobAnswer = Type.Object(
  { credential_binding_job: BindingJobAnswer, credential_binding_link: Type.Optional(Type.String()) },
  closed,
);
