import { type Static, Type } from "typebox";
import { PLACE, TIMES } from "../answer-parts.ts";
import { BindingTarget } from "../credential-binding-job/schema.ts";
import { HexId, IdentityIds, oneOf, Uuid } from "../schema-parts.ts";
import { bodyOf } from "../settings.ts";

const closed = { additionalProperties: false };

/** What each job of a batch is made after; all are mailed. */
export const JobTemplate = Type.Object({ delivery_method: oneOf(["EMAIL"]), ...BindingTarget.properties }, closed);
export type JobTemplate = Static<typeof JobTemplate>;

/** What is written of a batch, once. */
export const BatchSettings = Type.Object({ identity_ids: IdentityIds, job_template: JobTemplate }, closed);
export type BatchSettings = Static<typeof BatchSettings>;

export const BatchBody = bodyOf(BatchSettings);
export type BatchBody = Static<typeof BatchBody>;

/** A batch runs as long as any of its jobs is pending. */
const BATCH_STATES = ["RUNNING", "FAILED", "PARTIAL_SUCCESS", "SUCCESS"] as const;
export type BatchState = (typeof BATCH_STATES)[number];

/** What became of one identity's job. */
export const RESULT_STATES = ["PENDING", "SUCCESS", "FAILURE"] as const;
export type ResultState = (typeof RESULT_STATES)[number];

const Failure = Type.Object({ last_error: Type.String(), failed_permanently: Type.Boolean() }, closed);

/** A batch as the API shows it. */
export const BatchAnswer = Type.Object(
  {
    id: Uuid,
    ...PLACE,
    identity_ids: Type.Array(HexId),
    job_template: Type.Object({ ...JobTemplate.properties, expire_time: TIMES.create_time }, closed),
    state: oneOf(BATCH_STATES),
    /** by identity: those whose last try failed */
    state_commentary: Type.Object({ errors: Type.Record(Type.String(), Failure) }, closed),
    ...TIMES,
  },
  closed,
);
export type BatchAnswer = Static<typeof BatchAnswer>;

/** What became of one identity's job, as the API shows it. */
export const JobResult = Type.Object(
  {
    identity_id: HexId,
    state: oneOf(RESULT_STATES),
    credential_binding_job_id: Type.Optional(HexId),
    last_error: Type.Optional(Type.String()),
    failed_permanently: Type.Boolean(),
  },
  closed,
);
export type JobResult = Static<typeof JobResult>;

const Count = Type.Integer({ minimum: 0 });

/** A page of results, with what became of all. */
export const JobResultsAnswer = Type.Object(
  {
    job_results: Type.Array(JobResult),
    total_success_count: Count,
    total_failure_count: Count,
    total_pending_count: Count,
    total_size: Count,
    next_page_token: Type.Optional(Type.String()),
  },
  closed,
);
