import { DatabaseUnavailable } from "../database/database-error.ts";
import { deliverMail } from "../resources/deliver-mail.ts";
import { deleteKeptMails } from "../resources/mail/queries.ts";
import { deleteOldMails, listDueMails, type OutgoingMailKey } from "../resources/outgoing-mail/queries.ts";
import { KEPT_MS } from "../resources/outgoing-mail/rules.ts";
import { inBatches } from "./in-batches.ts";
import { inLanes } from "./in-lanes.ts";
import type { Job, JobDeps } from "./job.ts";

const MAILS_A_PAGE = 200;
/** Mails that are tried at once. */
const LANES = 4;
/** A run begins no mail after so long, so that a mail server that does not answer keeps nobody's turn: the next run is soon. */
const RUN_MS_MAX = 10_000;

/**
 * Sends the mails that are due: those that could not be sent at once, and those of nodes that died. What is to be sent is what the rows
 * say, so that a restart forgets nothing; the tenants take turns (rule 22).
 */
export const outgoingMailsJob: Job = {
  name: "outgoing-mails",
  everySeconds: 5,
  run: async (deps) => {
    const { clock, database } = deps;
    const untilMs = clock.monotonicMs() + RUN_MS_MAX;
    const isInTime = (): boolean => clock.monotonicMs() < untilMs;
    while (isInTime()) {
      const nowMs = clock.nowMs();
      const due = await database.maintain((session) => listDueMails(session, { nowMs, limit: MAILS_A_PAGE }));
      await inLanes(due, LANES, async (key) => {
        if (isInTime()) await deliver(deps, key);
      });
      if (due.length < MAILS_A_PAGE) return;
    }
  },
};

// What fails by itself must not keep the others from their turn: it is tried again after them.
async function deliver(deps: JobDeps, key: OutgoingMailKey): Promise<void> {
  try {
    await deliverMail(deps, key);
  } catch (error) {
    if (error instanceof DatabaseUnavailable) throw error;
    deps.log.error({ tenant_id: key.tenantId, mail_id: key.mailId, err: error }, "a mail could not be tried");
  }
}

/** So long the mails of test tenants can be read (rule 41), in real time whatever their clocks say (settled 5). */
const TEST_MAILS_KEPT_MS = 30 * 86_400_000;

/** Forgets what became of mails a week ago, and what test tenants were mailed a month ago, in bounded batches. */
export const oldMailsJob: Job = {
  name: "old-mails",
  everySeconds: 3_600,
  run: async ({ database, clock }) => {
    await inBatches(database, (session) => deleteOldMails(session, clock.nowMs() - KEPT_MS));
    await inBatches(database, (session) => deleteKeptMails(session, clock.nowMs() - TEST_MAILS_KEPT_MS));
  },
};
