import type { Queryable } from "../database/database.ts";
import { settleTry } from "./batch-credential-binding-job/queries.ts";
import { findBindingJob, moveBindingJob } from "./credential-binding-job/queries.ts";
import { insertEvents } from "./event/queries.ts";
import type { ClaimedMail, MailOutcome } from "./outgoing-mail/queries.ts";
import type { MailKind } from "./outgoing-mail/schema.ts";

/** What events call the thing that a mail is about. */
const ABOUT: Readonly<Record<MailKind, string>> = {
  ONE_TIME_CODE: "AuthorizationRequest",
  BINDING_LINK: "CredentialBindingJob",
  PASSKEY_ADDED: "Credential",
  PASSKEY_REMOVED: "Credential",
};

/** Notes what became of a mail where it matters: its event, its binding job and that one's batch. In the transaction that settles it. */
export async function noteMailOutcome(
  db: Queryable,
  mail: ClaimedMail,
  outcome: MailOutcome,
  nowMs: number,
): Promise<void> {
  if (mail.kind === "BINDING_LINK") await noteInvitation(db, mail, outcome, nowMs);
  const { key, kind, identityId, aboutId, attempts, source } = mail;
  // Further attempts change nothing of its state.
  if (outcome.state === "QUEUED" && attempts > 1) return;
  const status = outcome.state === "QUEUED" ? "DELAYED" : outcome.state;
  const cause = outcome.state === "SENT" ? {} : { cause: outcome.error };
  const whom = identityId === undefined ? {} : { identity_id: identityId };
  const facts = { ...whom, mail_id: key.mailId, kind, status, attempts, ...cause };
  const event = { type: "EmailStatusChange", action: "UPDATE", realmId: key.realmId } as const;
  // What happens in a login is found under the login's id, from authorize to its token.
  const told = kind === "ONE_TIME_CODE" ? { ...source, correlationId: aboutId } : source;
  const resource = { type: ABOUT[kind], id: aboutId };
  await insertEvents(db, key.tenantId, [{ ...event, ...told, atMs: nowMs, resource, facts }]);
}

async function noteInvitation(
  db: Queryable,
  { key, aboutId, identityId = "" }: ClaimedMail,
  outcome: MailOutcome,
  nowMs: number,
): Promise<void> {
  const jobKey = { ...key, jobId: aboutId };
  const isOver = outcome.state === "FAILED" || outcome.state === "GIVEN_UP";
  const isFailed = isOver && (await moveBindingJob(db, jobKey, { from: ["LINK_SENT"], to: "FAILED_TO_SEND" }, nowMs));
  const job = await findBindingJob(db, jobKey, identityId);
  if (job?.batchId === undefined) return;
  const due = { key: { ...key, batchId: job.batchId }, identityId };
  const lastError = "the mail could not be sent";
  if (outcome.state === "SENT") await settleTry(db, due, { state: "SUCCESS" }, nowMs);
  else if (outcome.state === "QUEUED") await settleTry(db, due, { state: "PENDING", lastError }, nowMs);
  else if (isFailed) await settleTry(db, due, { state: "FAILURE", lastError }, nowMs);
  // It was withdrawn, or opened although nobody noted that its mail had arrived.
  else if (job.state === "REVOKED")
    await settleTry(db, due, { state: "FAILURE", lastError: "the job was revoked" }, nowMs);
  else await settleTry(db, due, { state: "SUCCESS" }, nowMs);
}
