import type { Queryable } from "../database/database.ts";
import { DatabaseUnavailable } from "../database/database-error.ts";
import { hexId } from "../platform/random.ts";
import { covers } from "../protocol/authority.ts";
import { readPowerOf } from "../resources/authority/queries.ts";
import {
  beginTry,
  type DueJob,
  type HeldJob,
  holdDueJob,
  listDueJobs,
  settleTry,
  type TryOutcome,
} from "../resources/batch-credential-binding-job/queries.ts";
import { MAIL_ON_ITS_WAY_MS, nextTryAtMs, TRIES_MAX } from "../resources/batch-credential-binding-job/rules.ts";
import { newLinkToken, queueInvitation } from "../resources/binding-link.ts";
import { type BindingPlace, holdBindingConfig, holdBindingPlace } from "../resources/binding-place/queries.ts";
import {
  type BindingJobKey,
  findBindingJob,
  insertBindingJob,
  renewBindingLink,
} from "../resources/credential-binding-job/queries.ts";
import { whyNotInvited } from "../resources/credential-binding-job/rules.ts";
import { insertEvents } from "../resources/event/queries.ts";
import { holdRealm } from "../resources/realm/queries.ts";
import type { Job, JobDeps } from "./job.ts";

const JOBS_A_PAGE = 100;
/** Most jobs of one run, so that a run ends: the next is soon. */
const PAGES_MAX = 50;

/** Makes what batches ask for, one identity after the other, each with its mail in one transaction: another job sends that. */
export const batchBindingJobsJob: Job = {
  name: "batch-binding-jobs",
  everySeconds: 10,
  run: async (deps) => {
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const nowMs = deps.clock.nowMs();
      const due = await deps.database.maintain((session) => listDueJobs(session, nowMs, JOBS_A_PAGE));
      for (const one of due) await tryJob(deps, one);
      if (due.length < JOBS_A_PAGE) return;
    }
  },
};

async function tryJob(deps: JobDeps, due: DueJob): Promise<void> {
  await deps.database
    .transaction([due.key.tenantId], (db) => makeAndMail(deps, db, due))
    .catch((error: unknown) => postpone(deps, due, error));
}

// What fails by itself must not keep the others from their turn: it is tried again after them.
async function postpone({ database, clock, log }: JobDeps, due: DueJob, error: unknown): Promise<undefined> {
  if (error instanceof DatabaseUnavailable) throw error;
  log.error({ ...due.key, identity_id: due.identityId, err: error }, "a job of a batch could not be made");
  const nowMs = clock.nowMs();
  await beginTry(
    database.tenants([due.key.tenantId]),
    due,
    { jobId: undefined, dueAtMs: nextTryAtMs(1, nowMs) },
    nowMs,
  );
}

/** Makes the job, or takes another link for the one that an earlier try made, and stores its mail: what becomes of that settles it. */
async function makeAndMail(deps: JobDeps, db: Queryable, due: DueJob): Promise<void> {
  const { clock, random } = deps;
  const { key, identityId } = due;
  const nowMs = clock.nowMs();
  const isThere = await holdRealm(db, key, false);
  const held = await holdDueJob(db, due, nowMs);
  if (held === undefined) return;
  const place = isThere ? await holdBindingPlace(db, { ...key, identityId }) : undefined;
  const reason = await whyNot(db, { due, held, place, nowMs });
  if (place === undefined || reason !== undefined)
    return settleTry(db, due, { state: "FAILURE", lastError: reason ?? "identity not found" }, nowMs);
  const jobKey = { tenantId: key.tenantId, realmId: key.realmId, jobId: held.jobId ?? hexId(random) };
  const { token, hash } = newLinkToken(random);
  if (held.jobId === undefined) {
    await makeJob(db, jobKey, { due, held, tokenHash: hash, nowMs });
  } else if (!(await renewBindingLink(db, jobKey, hash, nowMs))) {
    return settleTry(db, due, await outcomeOfEarlier(db, jobKey, identityId), nowMs);
  }
  await beginTry(db, due, { jobId: jobKey.jobId, dueAtMs: MAIL_ON_ITS_WAY_MS }, nowMs);
  const { source, expiresAt } = held;
  await queueInvitation(deps, db, { key: jobKey, identityId, token, place, source, expiresAt });
}

interface Tried {
  readonly due: DueJob;
  readonly held: HeldJob;
  readonly nowMs: number;
}

/** Why a job is not made now, and never will be. */
async function whyNot(
  db: Queryable,
  { due, held, place, nowMs }: Tried & { readonly place: BindingPlace | undefined },
): Promise<string | undefined> {
  if (place === undefined) return "identity not found";
  if (held.tries >= TRIES_MAX) return "the mail could not be sent";
  if (held.expiresAt <= Math.floor(nowMs / 1_000) + place.clockOffsetSeconds) return "the batch has expired";
  const reason = whyNotInvited(place.person, true);
  if (reason !== undefined) return reason;
  const { authenticator_config_id: authenticatorConfigId } = held.template;
  if (authenticatorConfigId !== undefined && !(await holdBindingConfig(db, { ...due.key, authenticatorConfigId }))) {
    return "authenticator config not found";
  }
  // Rule 1: the person may have been given power since.
  const power = await readPowerOf(db, due.key, { identityIds: [due.identityId] });
  return power === undefined || covers(held.creator, power) ? undefined : "forbidden";
}

async function makeJob(
  db: Queryable,
  key: BindingJobKey,
  { due, held, tokenHash, nowMs }: Tried & { readonly tokenHash: Uint8Array },
): Promise<void> {
  const { identityId } = due;
  const { batchId } = due.key;
  const { template: settings, creator, source, expiresAt } = held;
  await insertBindingJob(db, key, { identityId, batchId, settings, tokenHash, creator, expiresAt }, nowMs);
  const event = { type: "CredentialBindingJobChange", action: "CREATE", realmId: key.realmId } as const;
  const resource = { type: "CredentialBindingJob", id: key.jobId };
  const facts = { identity_id: identityId, delivery_method: settings.delivery_method, batch_id: batchId };
  await insertEvents(db, key.tenantId, [{ ...event, ...source, atMs: nowMs, resource, facts }]);
}

// An earlier try's mail arrived although nobody noted it, or somebody ended the job meanwhile.
async function outcomeOfEarlier(db: Queryable, key: BindingJobKey, identityId: string): Promise<TryOutcome> {
  const job = await findBindingJob(db, key, identityId);
  const isOver = job === undefined || job.state === "REVOKED" || job.state === "FAILED_TO_SEND";
  return isOver ? { state: "FAILURE", lastError: "the job was revoked" } : { state: "SUCCESS" };
}
