import type { Queryable } from "../database/database.ts";
import type { Deps } from "../deps.ts";
import type { AfterReply } from "../http/after-reply.ts";
import { equalBytes } from "../platform/hash.ts";
import { judgeMailError } from "../platform/mail-failure.ts";
import { METRICS } from "../platform/metric-table.ts";
import { hexId } from "../platform/random.ts";
import { findAuthorizationRequest } from "./authorization-request/queries.ts";
import { findBindingJob } from "./credential-binding-job/queries.ts";
import { transactionWithEvents } from "./event-transaction.ts";
import { findIdentity } from "./identity/queries.ts";
import { insertMail } from "./mail/queries.ts";
import { noteMailOutcome } from "./mail-outcome.ts";
import {
  type ClaimedMail,
  claimOutgoingMail,
  type MailOutcome,
  type OutgoingMailKey,
  settleOutgoingMail,
} from "./outgoing-mail/queries.ts";
import { CLAIM_MS, nextAttemptAtMs, openMail } from "./outgoing-mail/rules.ts";
import type { MailContent } from "./outgoing-mail/schema.ts";

/** What delivering a mail needs of the world. */
export type MailDeps = Pick<Deps, "database" | "clock" | "mail" | "random" | "sealer" | "log" | "metrics">;

/** Tries a stored mail, if there is one, as soon as a reply is out of the way. If this node does not come to it, a job does. */
export function deliverSoon(afterReply: AfterReply, deps: MailDeps, key: OutgoingMailKey | undefined): void {
  if (key !== undefined) afterReply.attempt(() => deliverMail(deps, key));
}

/**
 * Tries a mail that is due and that nobody has in hand, and notes what became of it. Of two nodes one tries it at a time. One that
 * dies between the mail server's yes and the note leaves it to be sent again: a mail arrives at least once.
 */
export async function deliverMail(deps: MailDeps, key: OutgoingMailKey): Promise<void> {
  const { clock, database, metrics } = deps;
  const nowMs = clock.nowMs();
  const db = database.tenants([key.tenantId]);
  const claimed = await claimOutgoingMail(db, key, { nowMs, untilMs: nowMs + CLAIM_MS });
  if (claimed === undefined) return;
  const outcome = await tryMail(deps, db, claimed);
  const endedAtMs = clock.nowMs();
  const isOurs = await transactionWithEvents(deps, key.tenantId, async (session) => {
    if (!(await settleOutgoingMail(session, claimed, outcome, endedAtMs))) return false;
    await noteMailOutcome(session, claimed, outcome, endedAtMs);
    return true;
  });
  if (isOurs) metrics.counter(METRICS.mails).cell(claimed.kind, RESULTS[outcome.state]).add();
}

const RESULTS = { SENT: "sent", QUEUED: "postponed", FAILED: "failed", GIVEN_UP: "given_up" } as const;

async function tryMail(deps: MailDeps, db: Queryable, claimed: ClaimedMail): Promise<MailOutcome> {
  let content: MailContent;
  try {
    content = openMail(deps.sealer, claimed.key, claimed.contentSealed);
  } catch (error) {
    deps.log.error({ ...named(claimed), err: error }, "a mail cannot be read and is not sent");
    return { state: "FAILED", error: "unreadable" };
  }
  const reason = await whyPointless(deps, db, { claimed, content });
  if (reason !== undefined) return { state: "GIVEN_UP", error: reason };
  try {
    await send(deps, db, { claimed, content });
    return { state: "SENT" };
  } catch (error) {
    return afterFailure(deps, claimed, error);
  }
}

interface OpenedMail {
  readonly claimed: ClaimedMail;
  readonly content: MailContent;
}

/** Why a mail would help nobody any more; undefined if it would. */
async function whyPointless(
  { clock }: MailDeps,
  db: Queryable,
  { claimed, content }: OpenedMail,
): Promise<"expired" | "replaced" | "withdrawn" | undefined> {
  const { key, kind, aboutId, identityId = "" } = claimed;
  // Rule 41: who tests knows the code before its mail and may be faster than it; what was asked for is kept all the same.
  if (claimed.tenantKind === "test") return undefined;
  if (claimed.expiresAt <= clock.nowSeconds() + claimed.clockOffsetSeconds) return "expired";
  if (kind === "ONE_TIME_CODE") {
    const login = await findAuthorizationRequest(db, { ...key, id: aboutId });
    const isCurrent = equalBytes(login?.codeHash ?? Buffer.alloc(0), Buffer.from(content.codeHash ?? "", "hex"));
    return login?.state === "code" && isCurrent ? undefined : "replaced";
  }
  if (kind !== "BINDING_LINK") return undefined;
  const job = await findBindingJob(db, { ...key, jobId: aboutId }, identityId);
  const person = await findIdentity(db, { ...key, identityId });
  // Whoever has the link signs in as the person: it does not follow an address that is the person's no more.
  const isTheirs = person?.status === "active" && person.traits.primary_email_address === content.to;
  return job?.state === "LINK_SENT" && isTheirs ? undefined : "withdrawn";
}

// Rule 41: what is for a test tenant's people is kept, and no mail server ever sees it.
async function send({ mail, random, clock }: MailDeps, db: Queryable, { claimed, content }: OpenedMail): Promise<void> {
  const { codeHash: _, ...message } = content;
  if (claimed.tenantKind !== "test") return mail.send(message);
  const kept = { mailId: hexId(random), recipient: message.to, subject: message.subject, body: message.text };
  await insertMail(db, claimed.key, { ...kept, createdAtMs: clock.nowMs() });
}

function afterFailure({ clock, log }: MailDeps, claimed: ClaimedMail, error: unknown): MailOutcome {
  const { reason, isFinal } = judgeMailError(error);
  const nextAtMs = isFinal ? undefined : nextAttemptAtMs(claimed.attempts, clock.nowMs());
  const facts = { ...named(claimed), reason, err: error };
  if (nextAtMs !== undefined) {
    log.warn(facts, "a mail could not be sent and will be tried again");
    return { state: "QUEUED", error: reason, nextAttemptAtMs: nextAtMs };
  }
  log.warn(facts, "a mail could not be sent and is given up");
  return { state: isFinal ? "FAILED" : "GIVEN_UP", error: reason };
}

// Never to whom, nor what it says.
function named({ key, kind, attempts, source }: ClaimedMail): Readonly<Record<string, unknown>> {
  const { tenantId, realmId, mailId } = key;
  const trace_id = source.traceId.toString("hex");
  return { tenant_id: tenantId, realm_id: realmId, mail_id: mailId, kind, attempts, trace_id };
}
