import type { Deps } from "../deps.ts";
import type { HttpRequest } from "../http/route.ts";
import { type BindingJob, type JobMove, moveBindingJob } from "./credential-binding-job/queries.ts";
import { insertEvents } from "./event/queries.ts";
import { transactionWithEvents } from "./event-transaction.ts";

/** Notes how far a link is on its way, with the event that says so, if it was not that far: nobody is known of whoever has it. */
export async function moveInvitation(
  deps: Pick<Deps, "database" | "clock">,
  { key, identityId }: Pick<BindingJob, "key" | "identityId">,
  by: JobMove,
  { traceId }: Pick<HttpRequest, "traceId">,
): Promise<void> {
  const nowMs = deps.clock.nowMs();
  await transactionWithEvents(deps, key.tenantId, async (db) => {
    if (!(await moveBindingJob(db, key, by, nowMs))) return;
    const event = { type: "CredentialBindingJobChange", action: "UPDATE", realmId: key.realmId } as const;
    const about = { resource: { type: "CredentialBindingJob", id: key.jobId }, actor: { type: "Anonymous" } } as const;
    const facts = { identity_id: identityId, state: by.to };
    await insertEvents(db, key.tenantId, [{ ...event, ...about, facts, traceId, atMs: nowMs }]);
  });
}
