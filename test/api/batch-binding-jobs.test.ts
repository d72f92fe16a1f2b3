import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { batchBindingJobsJob } from "../../src/jobs/batch-binding-jobs.ts";
import type { JobDeps } from "../../src/jobs/job.ts";
import { outgoingMailsJob } from "../../src/jobs/outgoing-mails.ts";
import { adminWorld } from "../support/admin-world.ts";
import { changesOf } from "../support/change-events.ts";
import { call } from "../support/http.ts";
import { keepJob } from "../support/leased-job.ts";
import { mailsOf, suspend } from "../support/login-flow.ts";
import { managementClient, succeed, violationsOf } from "../support/management-client.ts";
import { movableClock } from "../support/movable-clock.ts";
import { type TestServer, testServer } from "../support/test-server.ts";
import { type TenantOptions, testTenant } from "../support/test-tenant.ts";

const MINUTE = 60;
const UNKNOWN = "00000000000000ff";
const OWN = {
  config: {
    type: "embedded" as const,
    invoke_url: "https://shop.example/in",
    trusted_origins: ["https://shop.example"],
  },
};

describe("batches of credential binding jobs", () => {
  const clock = movableClock();
  let server: TestServer;

  before(async () => {
    server = await testServer({ clock });
    for (const job of [batchBindingJobsJob, outgoingMailsJob]) await keepJob(server, job);
  });
  after(() => server.stop());

  async function world(people: number, options: TenantOptions = {}) {
    const tenant = await testTenant({ server, ...options });
    const api = managementClient(tenant);
    const addresses = Array.from({ length: people }, (_, n) => `p${n}-${tenant.tenantId}@example.com`);
    const ids = await Promise.all(addresses.map((address) => tenant.addIdentity(address)));
    const make = (identity_ids: readonly string[], template: object = { authenticator_config: OWN }) =>
      api("CreateBatchCredentialBindingJob", {
        body: { batch_credential_binding_job: { identity_ids: [...identity_ids], job_template: template } },
      });
    const show = (batch: string) => succeed(api("GetBatchCredentialBindingJob", { batch }));
    return { tenant, api, addresses, ids: ids.toSorted(), make, show };
  }

  const run = async (deps: JobDeps = server.deps): Promise<void> => {
    await batchBindingJobsJob.run(deps);
    await outgoingMailsJob.run(deps);
  };
  const broken = (): JobDeps => {
    const mail = { send: () => Promise.reject(new Error("the mail server is away")), close: () => undefined };
    return { ...server.deps, mail, log: { ...server.deps.log, warn: () => undefined } as JobDeps["log"] };
  };

  test("everybody gets a mail with a link of his own, and the batch says that it is done", async () => {
    const { tenant, api, addresses, ids, make, show } = await world(3);
    const back = "https://shop.example/welcome";
    const made = await make([...ids, ids[0] ?? ""], { authenticator_config: OWN, post_binding_redirect_uri: back });
    assert.equal(made.status, 200, made.text);
    const { id: batch, state, identity_ids, job_template, state_commentary } = made.value;
    assert.deepEqual([state, identity_ids.toSorted(), state_commentary], ["RUNNING", ids, { errors: {} }]);
    assert.deepEqual([job_template.delivery_method, job_template.post_binding_redirect_uri], ["EMAIL", back]);
    assert.equal(Date.parse(job_template.expire_time) > Date.parse(made.value.create_time), true);
    await run();
    const done = await show(batch);
    assert.deepEqual([done.state, done.identity_ids, done.job_template], ["SUCCESS", ids, job_template]);
    const mails = await mailsOf(tenant);
    assert.deepEqual(mails.map(({ to }) => to).toSorted(), addresses.toSorted());
    const links = mails.map(({ body }) => /http\S+invokeAuthenticator\?token=\S+/.exec(body ?? "")?.[0] ?? "");
    assert.equal(new Set(links).size, 3);
    for (const link of links) assert.equal((await call(link)).status, 302);
    const jobs = (await succeed(api("ListCredentialBindingJobs", { identity: "-" }))).credential_binding_jobs;
    assert.equal(jobs.length, 3);
    for (const job of jobs) {
      const facts = [job.batch_id, job.delivery_method, job.state, job.post_binding_redirect_uri, job.expire_time];
      assert.deepEqual(facts, [batch, "EMAIL", "LINK_OPENED", back, job_template.expire_time]);
      const changes = await changesOf(tenant, job.id);
      const opened = "CredentialBindingJobChange UPDATE";
      assert.deepEqual(changes.toSorted(), ["CredentialBindingJobChange CREATE", opened, "EmailStatusChange UPDATE"]);
    }
    await run();
    assert.equal((await mailsOf(tenant)).length, 3, "a batch that is done is done again");
  });

  test("results are listed by pages, with what became of all", async () => {
    const { tenant, api, ids, make, show } = await world(3);
    const traits = { type: "traits_v0" as const, username: "nomail" };
    const body = { identity: { display_name: "No Mail", traits } };
    const { id: nomail } = await succeed(api("CreateIdentity", { body }));
    await suspend(tenant, ids[2] ?? "");
    const wanted = [...ids, nomail, UNKNOWN];
    const { id: batch } = (await make(wanted)).value;
    const pending = await succeed(api("ListBatchCredentialBindingJobResults", { batch }));
    assert.deepEqual([pending.total_pending_count, pending.total_size], [5, 5]);
    await run();
    const done = await show(batch);
    assert.equal(done.state, "PARTIAL_SUCCESS");
    assert.deepEqual(done.state_commentary.errors, {
      [nomail]: { last_error: "Identity missing email address", failed_permanently: true },
      [UNKNOWN]: { last_error: "identity not found", failed_permanently: true },
      [ids[2] ?? ""]: { last_error: "Identity is not active", failed_permanently: true },
    });
    const first = await succeed(api("ListBatchCredentialBindingJobResults", { batch, query: { page_size: "4" } }));
    assert.equal(Object.keys(first)[0], "job_results");
    const { job_results, next_page_token: page_token = "", ...totals } = first;
    const counts = { total_success_count: 2, total_failure_count: 3, total_pending_count: 0, total_size: 5 };
    assert.deepEqual(totals, counts);
    const rest = await succeed(api("ListBatchCredentialBindingJobResults", { batch, query: { page_token } }));
    assert.deepEqual([rest.job_results.length, rest.next_page_token, rest.total_failure_count], [1, undefined, 3]);
    const all = [...job_results, ...rest.job_results];
    assert.deepEqual(
      all.map(({ identity_id }) => identity_id),
      wanted.toSorted(),
    );
    const won = all.filter(({ state }) => state === "SUCCESS");
    assert.deepEqual([won.length, won.every((one) => one.credential_binding_job_id !== undefined)], [2, true]);
    const query = { filter: 'state eq "FAILURE"' };
    assert.equal((await succeed(api("ListBatchCredentialBindingJobResults", { batch, query }))).total_size, 3);
  });

  test("a batch of which nothing comes has failed; one that does not exist is not found", async () => {
    const { api, make, show } = await world(0);
    const { id } = (await make([UNKNOWN])).value;
    await run();
    assert.equal((await show(id)).state, "FAILED");
    const batch = "00000000-0000-4000-8000-000000000000";
    const missing = await api("GetBatchCredentialBindingJob", { batch });
    assert.deepEqual([missing.status, missing.json?.message], [404, "batch credential binding job not found"]);
    assert.equal((await api("ListBatchCredentialBindingJobResults", { batch })).status, 404);
  });

  test("a batch is done when its last mail is sent", async () => {
    const { api, ids, make, show } = await world(1, { kind: "production" });
    const [identity = ""] = ids;
    const { id: batch } = (await make(ids)).value;
    await run(broken());
    const waiting = await show(batch);
    const error = { last_error: "the mail could not be sent", failed_permanently: false };
    assert.deepEqual([waiting.state, waiting.state_commentary.errors[identity]], ["RUNNING", error]);
    await run(); // not yet
    assert.equal((await show(batch)).state, "RUNNING");
    clock.pass(MINUTE);
    await run();
    assert.deepEqual([(await show(batch)).state, (await show(batch)).state_commentary.errors], ["SUCCESS", {}]);
    const { credential_binding_jobs: jobs } = await succeed(api("ListCredentialBindingJobs", { identity }));
    assert.equal(jobs.length, 1);
  });

  test("a job that a node of the version before had begun gets a new link and its mail", async () => {
    const { tenant, api, ids, make, show } = await world(1);
    const [identity = ""] = ids;
    const { id: batch } = (await make(ids)).value;
    await batchBindingJobsJob.run(server.deps);
    await server.deps.database.maintain(async (session) => {
      await session.query("DELETE FROM outgoing_mails WHERE tenant_id = $1", [tenant.tenantId]);
      const due = [tenant.tenantId, clock.nowMs() + MINUTE * 1_000];
      await session.query("UPDATE batch_credential_binding_results SET due_at_ms = $2 WHERE tenant_id = $1", due);
    });
    clock.pass(MINUTE);
    await run();
    assert.equal((await show(batch)).state, "SUCCESS");
    const { credential_binding_jobs: jobs } = await succeed(api("ListCredentialBindingJobs", { identity }));
    assert.equal(jobs.length, 1);
    const [mail] = await mailsOf(tenant);
    assert.equal((await call(/http\S+invokeAuthenticator\?token=\S+/.exec(mail?.body ?? "")?.[0] ?? "")).status, 302);
  });

  test("a batch gives nobody more than its maker held, and a revoked job is not mailed again", async () => {
    const { api, ids, make, show } = await world(1, { kind: "production" });
    const { id: batch } = (await make(ids)).value;
    await run(broken());
    const [identity = ""] = ids;
    const [job] = (await succeed(api("ListCredentialBindingJobs", { identity }))).credential_binding_jobs;
    await succeed(api("SetCredentialBindingJobRevoked", { identity, job: job?.id ?? "" }));
    clock.pass(MINUTE);
    await run();
    const done = await show(batch);
    assert.deepEqual(
      [done.state, done.state_commentary.errors[identity]?.last_error],
      ["FAILED", "the job was revoked"],
    );
  });

  test("a realm has at most a thousand jobs in its queue, and two at once do not share the last places", async () => {
    const { ids, make } = await world(2);
    const strangers = (from: number, count: number) =>
      Array.from({ length: count }, (_, n) => (from + n).toString(16).padStart(16, "0"));
    const many = await make(strangers(1, 999));
    assert.equal(many.status, 200, many.text);
    const both = await Promise.all(ids.map((id) => make([id])));
    assert.deepEqual(both.map(({ status }) => status).toSorted(), [200, 429]);
    const refused = both.find(({ status }) => status === 429);
    const limits = ["ratelimit-limit", "ratelimit-remaining"].map((name) => refused?.headers.get(name));
    assert.deepEqual([refused?.json?.code, ...limits], ["too_many_requests", "1000", "0"]);
    assert.notEqual(refused?.headers.get("retry-after"), null);
    await run();
    assert.equal((await make(ids)).status, 200);
  });

  test("what a batch may say is judged by name", async () => {
    const { ids, make, tenant } = await world(1);
    const prefix = "batch_credential_binding_job";
    const refuse = async (...[identityIds, template]: Parameters<typeof make>) =>
      violationsOf(await make(identityIds, template)).join();
    const many = Array.from({ length: 1001 }, (_, n) => n.toString(16).padStart(16, "0"));
    assert.equal(await refuse(many), `${prefix}.identity_ids: array exceeds 1000 elements`);
    assert.match(await refuse([]), new RegExp(`^${prefix}.identity_ids: `));
    assert.equal(await refuse(ids, {}), `${prefix}.job_template.authenticator_config_id: missing`);
    const returned = { authenticator_config: OWN, delivery_method: "RETURN" };
    assert.match(await refuse(ids, returned), new RegExp(`^${prefix}.job_template.delivery_method: must be EMAIL`));
    const config = { authenticator_config_id: "00000000-0000-4000-8000-000000000000" };
    assert.match(await refuse(ids, config), new RegExp(`^${prefix}.job_template.authenticator_config_id: is no`));
    const sent = {
      authenticator_config_id: await tenant.addAuthenticatorConfig(),
      expire_time: "2020-01-01T00:00:00Z",
    };
    assert.equal((await make(ids, sent)).status, 200);
  });

  test("an administrator is not invited by whoever holds less, also when she becomes one afterwards (rule 1)", async () => {
    const { tenant, api, realm, group, nobody, config } = await adminWorld({ server });
    const token = await tenant.managementToken("credential-binding-jobs:create");
    const body = {
      batch_credential_binding_job: { identity_ids: [nobody], job_template: { authenticator_config_id: config } },
    };
    const { id: batch } = await succeed(api("CreateBatchCredentialBindingJob", { realm, body, token }));
    await succeed(api("AddGroupMembers", { realm, group, body: { identity_ids: [nobody] } }));
    await run();
    const shown = await succeed(api("GetBatchCredentialBindingJob", { realm, batch }));
    assert.equal(shown.state_commentary.errors[nobody]?.last_error, "forbidden");
    assert.equal((await api("CreateBatchCredentialBindingJob", { realm, body, token })).status, 403);
  });
});
