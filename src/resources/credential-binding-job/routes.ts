import { Type } from "typebox";
import type { Deps } from "../../deps.ts";
import { DIRECTORY_PAGE_SIZES } from "../../http/list-query.ts";
import { ManagementError, notFound } from "../../http/management-error.ts";
import { patternOf, wrapped } from "../../http/operation.ts";
import type { Route } from "../../http/route.ts";
import { formatInstant } from "../../platform/clock.ts";
import { hexId } from "../../platform/random.ts";
import { READ_ONLY, timesOf } from "../answer-parts.ts";
import { authorityOf } from "../authority/rules.ts";
import { demandBindingConfig } from "../binding-config.ts";
import { formatBindingLink, type Invitation, newLinkToken, queueInvitation } from "../binding-link.ts";
import { type BindingPlace, holdBindingPlace } from "../binding-place/queries.ts";
import { type Call, readPathId, realmOf } from "../call.ts";
import { demandValid } from "../checked.ts";
import { deliverSoon } from "../deliver-mail.ts";
import { demandPowerOver } from "../demand-power.ts";
import { demandVersion } from "../etag.ts";
import type { EventKind } from "../event-draft.ts";
import { eventSourceOf } from "../event-source.ts";
import { demandOwner, identityIdOf, ownerOf } from "../identity-path.ts";
import { lists } from "../list-operation.ts";
import { creates, reads, type WriteCall, writes } from "../operations.ts";
import { openBindingLink } from "./open-link.ts";
import {
  type BindingJob,
  type BindingJobKey,
  countBindingJobs,
  findBindingJob,
  holdBindingJob,
  insertBindingJob,
  listBindingJobs,
  moveBindingJob,
} from "./queries.ts";
import { BINDING_LIFETIME_SECONDS, createBindingJob, OPEN_STATES, stateAt, whyNotInvited } from "./rules.ts";
import { BindingJobAnswer, BindingJobBody, type BindingJobSettings, NewBindingJobAnswer } from "./schema.ts";

const JOBS = "/v1/tenants/{tenant}/realms/{realm}/identities/{identity}/credential-binding-jobs";
const JOB = `${JOBS}/{job}` as const;
const TAG = "Credential Binding Jobs";
const EVENT = {
  type: "CredentialBindingJobChange",
  resource: "CredentialBindingJob",
} as const satisfies Partial<EventKind>;
const OWN_READ_ONLY = ["identity_id", "credential_id", "batch_id", "state", "expire_time"] as const;

/** The operations of credential binding jobs (reference 2.2). */
export const CREDENTIAL_BINDING_JOB_OPERATIONS = [
  creates(
    {
      name: "CreateCredentialBindingJob",
      method: "POST",
      path: JOBS,
      tag: TAG,
      summary:
        "Makes a link by which an identity binds a credential, once and within seven days: returned, or mailed to the person.",
      scopes: ["credential-binding-jobs:create"],
      body: wrapped("job", BindingJobBody, [...READ_ONLY, ...OWN_READ_ONLY]),
      answer: NewBindingJobAnswer,
      refusals: ["unprocessable_entity", "service_unavailable"],
      isCreate: true,
      isVersioned: true,
      event: { ...EVENT, action: "CREATE" },
    },
    async (call) => {
      const settings = demandValid(createBindingJob(call.body.job));
      const identityId = identityIdOf(call);
      const place = await getPlace(call, settings);
      await demandPowerOver(call, realmOf(call), { identityIds: [identityId] });
      const { job, token } = await storeJob(call, settings, place);
      const { publicUrl } = call.deps.config;
      const link = formatBindingLink(publicUrl, { key: job.key, identityId, token });
      const isMailed = settings.delivery_method === "EMAIL";
      if (isMailed) await mail(call, { ...job, token, place, source: sourceOf(call) });
      const value = {
        credential_binding_job: answerOf(job, job.createdAtMs),
        ...(isMailed ? {} : { credential_binding_link: link }),
      };
      const facts = { identity_id: identityId, delivery_method: settings.delivery_method };
      return { value, version: 1, about: { id: job.key.jobId, facts } };
    },
    // The link is shown once: whoever lost it makes another job.
    {
      parameter: "job",
      show: async (call) => {
        const job = await getJob(call);
        return { value: { credential_binding_job: answerOf(job, call.nowMs) }, version: job.version };
      },
    },
  ),
  lists(
    {
      name: "ListCredentialBindingJobs",
      path: JOBS,
      tag: TAG,
      summary: 'Lists the credential binding jobs of an identity, or, with "-" in its place, those of the realm.',
      scopes: ["credential-binding-jobs:read"],
      plural: "credential_binding_jobs",
      item: BindingJobAnswer,
      sizes: DIRECTORY_PAGE_SIZES,
      takesSkip: true,
      takesFilter: true,
    },
    (call) => {
      const owner = ownerOf(call);
      return {
        page: (page) => demandOwner(call.db, owner, listBindingJobs(call.db, owner, page)),
        count: (filter) => countBindingJobs(call.db, owner, filter),
        idOf: ({ key }) => key.jobId,
        show: (job) => answerOf(job, call.nowMs),
      };
    },
  ),
  reads(
    {
      name: "GetCredentialBindingJob",
      method: "GET",
      path: JOB,
      tag: TAG,
      summary: "Shows a credential binding job, without its link.",
      scopes: ["credential-binding-jobs:read"],
      query: Type.Object({ filter: Type.Optional(Type.String()) }, { additionalProperties: false }), // ignored, as in the reference
      answer: BindingJobAnswer,
      isVersioned: true,
    },
    async (call) => {
      const job = await getJob(call);
      return { value: answerOf(job, call.nowMs), version: job.version };
    },
  ),
  writes(
    {
      name: "SetCredentialBindingJobRevoked",
      method: "POST",
      path: `${JOB}:revoke`,
      tag: TAG,
      summary: "Revokes a credential binding job that is not complete: its link works no more.",
      scopes: ["credential-binding-jobs:revoke"],
      answer: BindingJobAnswer,
      refusals: ["conflict"],
      isVersioned: true,
      event: { ...EVENT, action: "UPDATE" },
    },
    async (call) => {
      const { db, nowMs, request } = call;
      const key = keyOf(call);
      const job = await holdBindingJob(db, key, identityIdOf(call));
      if (job === undefined) throw notFound("CredentialBindingJob", key.jobId);
      demandVersion(request, job.version);
      await demandPowerOver(call, key, { identityIds: [job.identityId] });
      if (job.state === "COMPLETE") throw new ManagementError("conflict", "credential binding job is already complete");
      if (job.state === "REVOKED") return { value: answerOf(job, nowMs), version: job.version };
      await moveBindingJob(db, key, { from: [...OPEN_STATES, "FAILED_TO_SEND"], to: "REVOKED" }, nowMs);
      const revoked = { ...job, state: "REVOKED" as const, version: job.version + 1, updatedAtMs: nowMs };
      const facts = { identity_id: job.identityId, state: revoked.state };
      return { value: answerOf(revoked, nowMs), version: revoked.version, about: { id: key.jobId, facts } };
    },
  ),
] as const;

/** The route of the link itself: a browser's, without a token of ours (reference E10). */
export function bindingLinkRoutes(deps: Deps): readonly Route[] {
  return [
    {
      name: "invokeAuthenticator",
      method: "GET",
      path: patternOf(`${JOB}:invokeAuthenticator`),
      kind: "page",
      handle: (request) => openBindingLink(deps, request),
    },
  ];
}

function keyOf(call: Call<unknown, unknown>): BindingJobKey {
  const jobId = readPathId(call.request, { parameter: "job", shape: "hex", kind: "CredentialBindingJob" });
  return { ...realmOf(call), jobId };
}

async function getJob(call: Call<unknown, unknown>): Promise<BindingJob> {
  const key = keyOf(call);
  const job = await findBindingJob(call.db, key, identityIdOf(call));
  if (job === undefined) throw notFound("CredentialBindingJob", key.jobId);
  return job;
}

function sourceOf({ deps, request }: Call<unknown, unknown>): Invitation["source"] {
  return eventSourceOf(deps.clock, request);
}

/** What is around the job to be made: a person who may be invited, and an authenticator that exists. Throws 404, 422 or 400. */
async function getPlace(call: WriteCall<unknown, unknown>, settings: BindingJobSettings): Promise<BindingPlace> {
  const identityId = identityIdOf(call);
  const place = await holdBindingPlace(call.db, { ...realmOf(call), identityId });
  if (place === undefined) throw notFound("Identity", identityId);
  const reason = whyNotInvited(place.person, settings.delivery_method === "EMAIL");
  if (reason !== undefined) {
    const detail = { type: "ResourceInfo", resource_type: "Identity", id: identityId, description: reason } as const;
    throw new ManagementError("unprocessable_entity", reason, { details: [detail] });
  }
  await demandBindingConfig(call, settings, "job");
  return place;
}

async function storeJob(
  call: WriteCall<unknown, unknown>,
  settings: BindingJobSettings,
  { clockOffsetSeconds }: BindingPlace,
): Promise<{ readonly job: BindingJob; readonly token: string }> {
  const { db, nowMs, deps, caller } = call;
  const key = { ...realmOf(call), jobId: hexId(deps.random) };
  const { token, hash } = newLinkToken(deps.random);
  const expiresAt = Math.floor(nowMs / 1_000) + clockOffsetSeconds + BINDING_LIFETIME_SECONDS;
  const made = {
    identityId: identityIdOf(call),
    batchId: undefined,
    ...{ settings, tokenHash: hash, creator: authorityOf(caller), expiresAt },
  };
  await insertBindingJob(db, key, made, nowMs);
  const stored = { state: "LINK_SENT", credentialId: undefined, version: 1 } as const;
  const job = { ...made, key, ...stored, clockOffsetSeconds, createdAtMs: nowMs, updatedAtMs: nowMs };
  return { job, token };
}

// A mail that was sent before the commit might bring a link that does not exist.
async function mail(call: WriteCall<unknown, unknown>, invitation: Invitation): Promise<void> {
  const { deps, db, afterReply, afterCommit } = call;
  const mailKey = await queueInvitation(deps, db, invitation);
  afterCommit(() => deliverSoon(afterReply, deps, mailKey));
}

function answerOf(job: BindingJob, nowMs: number): BindingJobAnswer {
  const { key, identityId, credentialId, batchId, settings, expiresAt, clockOffsetSeconds } = job;
  return {
    id: key.jobId,
    identity_id: identityId,
    tenant_id: key.tenantId,
    realm_id: key.realmId,
    ...(credentialId === undefined ? {} : { credential_id: credentialId }),
    ...(batchId === undefined ? {} : { batch_id: batchId }),
    state: stateAt(job, Math.floor(nowMs / 1_000) + clockOffsetSeconds),
    ...settings,
    expire_time: formatInstant(expiresAt * 1_000),
    ...timesOf(job),
  };
}
