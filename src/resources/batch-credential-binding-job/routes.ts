import { Type } from "typebox";
import { DIRECTORY_PAGE_SIZES, type ListQueryMembers, parseListQuery, readListPage } from "../../http/list-query.ts";
import { ManagementError, notFound } from "../../http/management-error.ts";
import { wrapped } from "../../http/operation.ts";
import { formatInstant } from "../../platform/clock.ts";
import { uuid } from "../../platform/random.ts";
import { READ_ONLY, timesOf } from "../answer-parts.ts";
import { authorityOf } from "../authority/rules.ts";
import { demandBindingConfig } from "../binding-config.ts";
import { type Call, type Outcome, readPathId, realmOf } from "../call.ts";
import { demandValid } from "../checked.ts";
import { BINDING_LIFETIME_SECONDS } from "../credential-binding-job/rules.ts";
import { demandPowerOver } from "../demand-power.ts";
import { eventSourceOf } from "../event-source.ts";
import { creates, reads, type WriteCall } from "../operations.ts";
import { ListQueryParts } from "../schema-parts.ts";
import { findTenant } from "../tenant/queries.ts";
import {
  type Batch,
  type BatchKey,
  type BatchResult,
  countBatchResults,
  countBatchStates,
  countQueuedJobs,
  findBatch,
  insertBatch,
  listBatchResults,
} from "./queries.ts";
import { batchState, createBatch, QUEUED_MAX } from "./rules.ts";
import { BatchAnswer, BatchBody, type JobResult, JobResultsAnswer } from "./schema.ts";

const BATCHES = "/v1/tenants/{tenant}/realms/{realm}/batch-credential-binding-jobs";
const BATCH = `${BATCHES}/{batch}` as const;
const TAG = "Credential Binding Jobs";
const KIND = "BatchCredentialBindingJob";
const OWN_READ_ONLY = ["state", "state_commentary", "job_template.expire_time"] as const;
const RETRY_AFTER_SECONDS = 10;

/** The operations of batches of credential binding jobs (reference 2.2). */
export const BATCH_BINDING_JOB_OPERATIONS = [
  creates(
    {
      name: "CreateBatchCredentialBindingJob",
      method: "POST",
      path: BATCHES,
      tag: TAG,
      summary: "Mails up to a thousand identities a link by which each binds a credential; it is done soon, by a job.",
      scopes: ["credential-binding-jobs:create"],
      body: wrapped("batch_credential_binding_job", BatchBody, [...READ_ONLY, ...OWN_READ_ONLY]),
      answer: BatchAnswer,
      refusals: ["too_many_requests"],
      isCreate: true,
      event: { type: "CredentialBindingJobChange", resource: KIND, action: "CREATE" },
      changesRealm: true, // two at once would both find room in the queue
    },
    async (call) => {
      const { db, nowMs, deps, caller } = call;
      const { identity_ids, job_template } = demandValid(createBatch(call.body.batch_credential_binding_job));
      await demandRoom(call, identity_ids.length);
      await demandBindingConfig(call, job_template, "batch_credential_binding_job.job_template");
      await demandPowerOver(call, realmOf(call), { identityIds: identity_ids });
      const tenant = await findTenant(db, caller.tenantId);
      const now = Math.floor(nowMs / 1_000) + (tenant?.clockOffsetSeconds ?? 0);
      const key = { ...realmOf(call), batchId: uuid(deps.random) };
      const batch = { template: job_template, expiresAt: now + BINDING_LIFETIME_SECONDS };
      const asked = { creator: authorityOf(caller), source: eventSourceOf(deps.clock, call.request) };
      await insertBatch(db, key, { ...batch, ...asked, identityIds: identity_ids }, nowMs);
      const counts = { pending: identity_ids.length, success: 0, failure: 0 };
      const stored = { ...batch, key, identityIds: identity_ids, counts, errors: [] };
      const value = answerOf({ ...stored, createdAtMs: nowMs, updatedAtMs: nowMs });
      return { value, about: { id: key.batchId, facts: { identities: identity_ids.length } } };
    },
    { parameter: "batch", show: showBatch },
  ),
  reads(
    {
      name: "GetBatchCredentialBindingJob",
      method: "GET",
      path: BATCH,
      tag: TAG,
      summary: "Shows a batch of credential binding jobs: whether it runs, and what failed.",
      scopes: ["credential-binding-jobs:read"],
      answer: BatchAnswer,
    },
    showBatch,
  ),
  reads(
    {
      name: "ListBatchCredentialBindingJobResults",
      method: "GET",
      path: `${BATCH}:listResults`,
      tag: TAG,
      summary: "Lists what became of each identity's job in a batch.",
      scopes: ["credential-binding-jobs:read"],
      query: Type.Unsafe<ListQueryMembers>(Type.Object(ListQueryParts, { additionalProperties: false })),
      answer: JobResultsAnswer,
    },
    async (call) => {
      const { db, deps, query } = call;
      const key = keyOf(call);
      const rules = { list: ["batch-results", ...Object.values(call.request.parameters)], sizes: DIRECTORY_PAGE_SIZES };
      const asked = parseListQuery(query, rules, deps.clock.nowSeconds());
      const reader = {
        page: (page: Parameters<typeof listBatchResults>[2]) => listBatchResults(db, key, page),
        count: (filter: Parameters<typeof countBatchResults>[2]) => countBatchResults(db, key, filter),
        idOf: (result: BatchResult) => result.identityId,
      };
      const [{ items, ends }, counts] = await Promise.all([readListPage(asked, reader), countBatchStates(db, key)]);
      if (items.length === 0) await getBatch(call);
      const totals = {
        total_success_count: counts.success,
        total_failure_count: counts.failure,
        total_pending_count: counts.pending,
      };
      return { value: { job_results: items.map(resultOf), ...totals, ...ends } };
    },
  ),
] as const;

function keyOf(call: Call<unknown, unknown>): BatchKey {
  return { ...realmOf(call), batchId: readPathId(call.request, { parameter: "batch", shape: "uuid", kind: KIND }) };
}

async function showBatch(call: Call<unknown, unknown>): Promise<Outcome<BatchAnswer>> {
  return { value: answerOf(await getBatch(call)) };
}

async function getBatch(call: Call<unknown, unknown>): Promise<Batch> {
  const key = keyOf(call);
  const batch = await findBatch(call.db, key);
  if (batch === undefined) throw notFound(KIND, key.batchId);
  return batch;
}

// The realm is held alone, so the count stays true until this batch is in it.
async function demandRoom(call: WriteCall<unknown, unknown>, wanted: number): Promise<void> {
  const queued = await countQueuedJobs(call.db, realmOf(call));
  const overage = queued + wanted - QUEUED_MAX;
  if (overage <= 0) return;
  const message = `the queue holds at most ${QUEUED_MAX} jobs, has ${queued}, and would have ${overage} too many`;
  const headers = {
    "retry-after": String(RETRY_AFTER_SECONDS),
    "ratelimit-limit": String(QUEUED_MAX),
    "ratelimit-remaining": String(QUEUED_MAX - queued),
    "ratelimit-reset": String(RETRY_AFTER_SECONDS),
  };
  throw new ManagementError("too_many_requests", message, { headers });
}

function answerOf(batch: Batch): BatchAnswer {
  const { key, template, expiresAt, identityIds, counts, errors } = batch;
  const told = errors.map(({ identityId, lastError, isFinal }) => [
    identityId,
    { last_error: lastError, failed_permanently: isFinal },
  ]);
  return {
    id: key.batchId,
    tenant_id: key.tenantId,
    realm_id: key.realmId,
    identity_ids: [...identityIds],
    job_template: { ...template, expire_time: formatInstant(expiresAt * 1_000) },
    state: batchState(counts),
    state_commentary: { errors: Object.fromEntries(told) },
    ...timesOf(batch),
  };
}

function resultOf({ identityId, state, jobId, lastError }: BatchResult): JobResult {
  return {
    identity_id: identityId,
    state,
    ...(jobId === undefined ? {} : { credential_binding_job_id: jobId }),
    ...(lastError === undefined ? {} : { last_error: lastError }),
    failed_permanently: state === "FAILURE",
  };
}
