import assert from "node:assert/strict";
import type { Queryable } from "../../src/database/database.ts";
import { sha256 } from "../../src/platform/hash.ts";
import { hexId, uuid } from "../../src/platform/random.ts";
import * as batches from "../../src/resources/batch-credential-binding-job/queries.ts";
import {
  findCredential,
  findCredentialByWebauthnId,
  listActiveCredentials,
  listUsableCredentials,
  renameCredential,
  revokeCredential,
  useCredential,
} from "../../src/resources/credential/queries.ts";
import * as jobs from "../../src/resources/credential-binding-job/queries.ts";
import * as outgoingMails from "../../src/resources/outgoing-mail/queries.ts";
import { queueMail } from "../../src/resources/queue-mail.ts";
import type { TenantInUse } from "./tenancy-scenario.ts";
import { addPasskey } from "./test-credential.ts";

/** Notes the statements about what people log in with that no route sends, or that were done already when they are replayed. */
export async function noteDevices(used: TenantInUse, note: Queryable, nowMs: number): Promise<void> {
  const { tenant, ids } = used;
  const { realm, server } = tenant;
  const db = server.deps.database.tenants([realm.tenantId]);
  const key = { ...realm, credentialId: String(ids.credential) };
  const credential = await findCredential(db, key, String(ids.identity));
  assert.ok(credential?.webauthn);
  await findCredentialByWebauthnId(note, realm, credential.webauthn.webauthnId);
  await listUsableCredentials(note, { ...realm, identityId: String(ids.identity) }, credential.webauthn.rpId);
  await listActiveCredentials(note, { ...realm, identityId: String(ids.identity) });
  await useCredential(note, credential, { signCount: 1, isBackedUp: true, atMs: nowMs });
  await renameCredential(note, credential, { displayName: "another", atMs: nowMs });
  await revokeCredential(note, key, nowMs);
  await noteJobs(used, note, nowMs);
  await noteBatch(used, note, nowMs);
  await noteMail(used, note, nowMs);
}

async function noteMail({ tenant, ids }: TenantInUse, note: Queryable, nowMs: number): Promise<void> {
  const { realm, server } = tenant;
  const { clock, database, random, sealer } = server.deps;
  const source = { actor: { type: "Anonymous" }, traceId: Buffer.alloc(16), atMs: nowMs } as const;
  const about = { kind: "BINDING_LINK", identityId: String(ids.identity), aboutId: String(ids.job), source } as const;
  const mail = { to: "x@example.com", subject: "s", text: "t" };
  // Not yet, so that the server leaves it alone.
  const later = { random, sealer, clock: { ...clock, nowMs: () => nowMs + 1_000_000 } };
  const queued = { ...about, mail, expiresAt: 1 };
  const key = await queueMail(later, database.tenants([realm.tenantId]), realm, queued);
  await queueMail(later, note, realm, queued);
  await outgoingMails.claimOutgoingMail(note, key, { nowMs: nowMs + 1_000_001, untilMs: nowMs + 2_000_000 });
  const tried = { key, attempts: 0 };
  const postponed = { state: "QUEUED", error: "timeout", nextAttemptAtMs: nowMs + 1_000_000 } as const;
  for (const outcome of [postponed, { state: "SENT" } as const])
    await outgoingMails.settleOutgoingMail(note, tried, outcome, nowMs);
}

async function noteJobs({ tenant, ids }: TenantInUse, note: Queryable, nowMs: number): Promise<void> {
  const { realm, server } = tenant;
  const { database, random } = server.deps;
  const db = database.tenants([realm.tenantId]);
  const key = { ...realm, jobId: String(ids.job) };
  const job = await jobs.findBindingJob(db, key, String(ids.identity));
  assert.ok(job);
  await jobs.moveBindingJob(note, key, { from: ["LINK_SENT"], to: "REVOKED" }, nowMs);
  await jobs.renewBindingLink(note, key, sha256("another"), nowMs);
  const at = { now: job.expiresAt - 1, nowMs };
  const spent = { ...realm, jobId: hexId(random) };
  await jobs.insertBindingJob(db, spent, job, nowMs);
  const bound = { tokenHash: job.tokenHash, credentialId: await addPasskey(tenant, job.identityId) };
  await jobs.completeBindingJob(note, spent, bound, at);
}

async function noteBatch({ tenant, ids }: TenantInUse, note: Queryable, nowMs: number): Promise<void> {
  const { realm, server } = tenant;
  const { database, random } = server.deps;
  const db = database.tenants([realm.tenantId]);
  const source = { actor: { type: "Anonymous" }, traceId: Buffer.alloc(16), atMs: nowMs } as const;
  const creator = { scopes: new Set<string>(), reach: "*" };
  const template = { delivery_method: "EMAIL", authenticator_config_id: String(ids.authenticator_config) } as const;
  const made = { template, creator, source, expiresAt: 1, identityIds: [String(ids.identity)] };
  const due = { key: { ...realm, batchId: uuid(random) }, identityId: String(ids.identity) };
  const dueAtMs = nowMs + 1_000_000; // not yet, so that the server leaves it alone
  await batches.insertBatch(db, due.key, made, dueAtMs);
  await batches.countQueuedJobs(note, realm);
  await batches.holdDueJob(note, due, dueAtMs);
  await batches.beginTry(note, due, { jobId: hexId(random), dueAtMs }, nowMs);
  await batches.settleTry(note, due, { state: "FAILURE", lastError: "x" }, nowMs);
}
