import { attemptCountsJob } from "./attempt-counts.ts";
import { backChannelLogoutJob } from "./back-channel-logout.ts";
import { batchBindingJobsJob } from "./batch-binding-jobs.ts";
import { idempotencyKeysJob } from "./idempotency-keys.ts";
import type { Job } from "./job.ts";
import { oldCountsJob, recountJob } from "./live-counts.ts";
import { oldMailsJob, outgoingMailsJob } from "./outgoing-mails.ts";
import { removalJob } from "./removal.ts";
import { revocationFeedsJob } from "./revocation-feeds.ts";
import { rotateKeysJob } from "./rotate-keys.ts";
import { sessionsJob } from "./sessions.ts";
import { overflowJob, tokenPartitionsJob } from "./token-partitions.ts";
import { tokenRevocationsJob } from "./token-revocations.ts";
import { vacuumJob } from "./vacuum.ts";

/** Every periodic job of the server. */
export const JOBS: readonly Job[] = [
  tokenPartitionsJob,
  overflowJob,
  rotateKeysJob,
  attemptCountsJob,
  idempotencyKeysJob,
  sessionsJob,
  backChannelLogoutJob,
  batchBindingJobsJob,
  tokenRevocationsJob,
  outgoingMailsJob,
  oldMailsJob,
  recountJob,
  oldCountsJob,
  removalJob,
  revocationFeedsJob,
  vacuumJob,
];
