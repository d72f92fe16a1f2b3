import { batchBindingJobsJob } from "../../../src/jobs/batch-binding-jobs.ts";
import { outgoingMailsJob } from "../../../src/jobs/outgoing-mails.ts";
import { call } from "../http.ts";
import { succeed } from "../management-client.ts";
import type { Use } from "./index.ts";

/** Credential binding jobs: one is left that was not opened, others are opened and revoked, and a batch is done. */
export const useBindingJobs: Use = async ({ tenant, api, ids }) => {
  const { identity = "", authenticator_config = "" } = ids;
  const returned = { delivery_method: "RETURN" as const, authenticator_config_id: authenticator_config };
  const make = () => succeed(api("CreateCredentialBindingJob", { identity, body: { job: returned } }));
  const [left, opened, revoked] = [await make(), await make(), await make()];
  await call(String(opened.credential_binding_link), { redirect: "manual" });
  await succeed(api("SetCredentialBindingJobRevoked", { identity, job: revoked.credential_binding_job.id }));
  const job = left.credential_binding_job.id;
  await succeed(api("GetCredentialBindingJob", { identity, job }));
  const mailed = { delivery_method: "EMAIL" as const, authenticator_config_id: authenticator_config };
  await succeed(api("CreateCredentialBindingJob", { identity, body: { job: mailed } }));
  for (const whose of [identity, "-"]) {
    await succeed(api("ListCredentialBindingJobs", { identity: whose }));
    const query = { filter: 'delivery_method eq "RETURN"', page_size: "1" };
    await succeed(api("ListCredentialBindingJobs", { identity: whose, query }));
  }
  await succeed(api("GetIdentity", { identity }));
  await tenant.server.app.settled();
  const another = await tenant.addIdentity("invited@example.com");
  const batch_credential_binding_job = {
    identity_ids: [identity, another],
    job_template: { authenticator_config_id: authenticator_config },
  };
  const { id: batch } = await succeed(
    api("CreateBatchCredentialBindingJob", { body: { batch_credential_binding_job } }),
  );
  await batchBindingJobsJob.run(tenant.server.deps);
  await outgoingMailsJob.run(tenant.server.deps);
  await succeed(api("GetBatchCredentialBindingJob", { batch }));
  await succeed(api("ListBatchCredentialBindingJobResults", { batch }));
  const query = { filter: "state pr", page_size: "1" };
  await succeed(api("ListBatchCredentialBindingJobResults", { batch, query }));
  return { job, batch, link: String(left.credential_binding_link) };
};
