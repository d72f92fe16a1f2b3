import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { batchBindingJobsJob } from "../../src/jobs/batch-binding-jobs.ts";
import { oldMailsJob, outgoingMailsJob } from "../../src/jobs/outgoing-mails.ts";
import { createSealer } from "../../src/platform/seal.ts";
import { deliverMail } from "../../src/resources/deliver-mail.ts";
import { listDueMails } from "../../src/resources/outgoing-mail/queries.ts";
import { queueMail } from "../../src/resources/queue-mail.ts";
import { listAllEvents } from "../support/events.ts";
import { call } from "../support/http.ts";
import { keepJob } from "../support/leased-job.ts";
import { decisionOf, mailsOf, newAddress } from "../support/login-flow.ts";
import { startMailServer, type TestMailServer } from "../support/mail-server.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import { movableClock } from "../support/movable-clock.ts";
import { testLogin } from "../support/test-browser.ts";
import { testCodeFlow } from "../support/test-code-flow.ts";
import { type TestServer, testServer } from "../support/test-server.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";
import { waitUntil } from "../support/wait-until.ts";

const OWN = {
  config: {
    type: "embedded" as const,
    invoke_url: "https://shop.example/in",
    trusted_origins: ["https://shop.example"],
  },
};
const DAY = 86_400;

describe("mails on their way", () => {
  const clock = movableClock();
  const lines: string[] = [];
  let mailServer: TestMailServer;
  let server: TestServer;

  before(async () => {
    mailServer = await startMailServer();
    const environment = { MAYFLY_SMTP_URL: mailServer.url, MAYFLY_LOG_LEVEL: "info" };
    server = await testServer({ clock, environment, onLogLine: (line) => lines.push(line) });
    for (const job of [outgoingMailsJob, batchBindingJobsJob]) await keepJob(server, job);
  });
  after(async () => {
    await server.stop();
    await mailServer.stop();
  });
  beforeEach(() => mailServer.answer("take"));

  const run = () => outgoingMailsJob.run(server.deps);
  const arrivedAt = (address: string) => mailServer.arrived.filter(({ to }) => to.includes(address));

  async function invited() {
    const tenant = await testTenant({ server, kind: "production" });
    const api = managementClient(tenant);
    const address = newAddress(tenant);
    const identity = await tenant.addIdentity(address);
    const body = { job: { delivery_method: "EMAIL" as const, authenticator_config: OWN } };
    const { id: job } = (await succeed(api("CreateCredentialBindingJob", { identity, body }))).credential_binding_job;
    await server.app.settled();
    const state = async () => (await succeed(api("GetCredentialBindingJob", { identity, job }))).state;
    return { tenant, api, address, identity, job, state };
  }

  async function askedForCode(options: { readonly kind: "production" | "test" } = { kind: "production" }) {
    const at = await testCodeFlow({ tenant: await testTenant({ server, ...options }) });
    const address = newAddress(at.tenant);
    const identity = await at.tenant.addIdentity(address);
    const login = await testLogin(at.tenant, at.application);
    const answer = await login.submit("send", { email: address });
    await server.app.settled();
    return { ...at, address, identity, login, answer };
  }

  /** What the tenant's events say of its mails, oldest first. */
  async function statusesOf(tenant: TestTenant) {
    const events = await listAllEvents(tenant, { filter: 'type eq "EmailStatusChange"' });
    return events.map(({ payload }) => [payload.kind, payload.status, payload.cause].filter(Boolean).join(" "));
  }

  async function rowsOf({ tenantId }: TestTenant) {
    return server.deps.database.maintain((session) =>
      session.query("SELECT *, x::text AS whole FROM outgoing_mails x WHERE tenant_id = $1", [tenantId]),
    );
  }

  test("a mail leaves right after the reply, and nothing of it stays but what became of it", async () => {
    const { tenant, address, identity, job } = await invited();
    assert.equal(arrivedAt(address).length, 1);
    const [row] = await rowsOf(tenant);
    assert.deepEqual([row?.state, row?.content_sealed, row?.attempts], ["SENT", null, 1]);
    const [event] = await listAllEvents(tenant, { filter: 'type eq "EmailStatusChange"' });
    assert.deepEqual(event?.resource, { type: "CredentialBindingJob", id: job });
    const facts = { identity_id: identity, mail_id: row?.outgoing_mail_id, kind: "BINDING_LINK", status: "SENT" };
    assert.deepEqual(event?.payload, { ...facts, attempts: 1 });
  });

  test("what the mail server cannot take now is tried again, later each time, and arrives once", async () => {
    mailServer.answer("defer");
    const { tenant, address, state } = await invited();
    for (const seconds of [10, 30, 120]) {
      const before = mailServer.asked();
      await run(); // not yet
      assert.equal(mailServer.asked(), before, `tried again before ${seconds} s`);
      clock.pass(seconds);
      await run();
      assert.equal(mailServer.asked(), before + 1, `not tried again after ${seconds} s`);
    }
    assert.equal(await state(), "LINK_SENT");
    mailServer.answer("take");
    clock.pass(300);
    await run();
    await run();
    assert.equal(arrivedAt(address).length, 1);
    assert.deepEqual(await statusesOf(tenant), ["BINDING_LINK DELAYED deferred_by_server", "BINDING_LINK SENT"]);
  });

  test("what the mail server will never take is not tried again, and its job has failed", async () => {
    mailServer.answer("refuse");
    const { tenant, api, identity, state } = await invited();
    assert.equal(await state(), "FAILED_TO_SEND");
    assert.equal((await succeed(api("GetIdentity", { identity }))).enrollment_status, "INVITE_FAILED");
    const before = mailServer.asked();
    clock.pass(DAY);
    await run();
    assert.equal(mailServer.asked(), before);
    assert.deepEqual(await statusesOf(tenant), ["BINDING_LINK FAILED refused_by_server"]);
  });

  test("what nobody takes for a day is given up, and its job has failed", async () => {
    mailServer.answer("defer");
    const { tenant, state } = await invited();
    for (let attempt = 2; attempt <= 11; attempt += 1) {
      assert.equal(await state(), "LINK_SENT", `given up before attempt ${attempt}`);
      clock.pass(28_800);
      await run();
    }
    assert.equal(await state(), "FAILED_TO_SEND");
    const causes = ["DELAYED deferred_by_server", "GIVEN_UP deferred_by_server"];
    assert.deepEqual(
      await statusesOf(tenant),
      causes.map((cause) => `BINDING_LINK ${cause}`),
    );
    const [row] = await rowsOf(tenant);
    assert.deepEqual([row?.attempts, row?.content_sealed], [11, null]);
  });

  test("of two nodes that find a mail due at once, one sends it", async () => {
    mailServer.answer("defer");
    const { tenant, address } = await invited();
    mailServer.answer("take");
    clock.pass(10);
    const [row] = await rowsOf(tenant);
    const key = { ...tenant.realm, mailId: String(row?.outgoing_mail_id) };
    await Promise.all([deliverMail(server.deps, key), run(), run(), deliverMail(server.deps, key)]);
    assert.equal(arrivedAt(address).length, 1);
  });

  test("a mail that a node died with is tried again after a minute", async () => {
    const { tenant, address } = await invited();
    const dying = { ...server.deps, mail: { ...server.deps.mail, send: () => new Promise<void>(() => undefined) } };
    mailServer.answer("defer");
    const other = await invited();
    mailServer.answer("take");
    clock.pass(10);
    const [row] = await rowsOf(other.tenant);
    void deliverMail(dying, { ...other.tenant.realm, mailId: String(row?.outgoing_mail_id) });
    await waitUntil(async () => (await rowsOf(other.tenant))[0]?.attempts === 2, "not claimed", SOON);
    clock.pass(59);
    await run();
    assert.equal(arrivedAt(other.address).length, 0, "while its node may live");
    clock.pass(1);
    await run();
    assert.deepEqual([arrivedAt(other.address).length, arrivedAt(address).length], [1, 1]);
    assert.equal((await rowsOf(tenant)).length, 1);
  });

  test("a mail server that does not answer keeps no page waiting", async () => {
    mailServer.answer("hold");
    const at = await testCodeFlow({ tenant: await testTenant({ server, kind: "production" }) });
    const address = newAddress(at.tenant);
    await at.tenant.addIdentity(address);
    for (let count = 0; count < 5; count += 1) {
      const login = await testLogin(at.tenant, at.application);
      const answer = await login.submit("send", { email: address });
      assert.equal((await decisionOf(at.tenant, answer)).outcome, "code_sent");
    }
    assert.equal(arrivedAt(address).length, 0);
    mailServer.answer("take");
    await server.app.settled();
    assert.equal(arrivedAt(address).length, 5);
  });

  test("nothing of a mail that waits stands in the clear in its row or the log: not to whom, nor code or link", async () => {
    mailServer.answer("defer");
    const { tenant, address, login } = await askedForCode();
    const link = await invited();
    const before = { code: (await rowsOf(tenant))[0], link: (await rowsOf(link.tenant))[0] };
    mailServer.answer("take");
    clock.pass(10);
    await run();
    const code = /^ {4}(\d{6})\r?$/m.exec(arrivedAt(address)[0]?.raw ?? "")?.[1] ?? "";
    assert.ok((await login.finish(await login.submit("verify", { code }))).searchParams.has("code"));
    const token = /mayfly_bl_[\w-]+/.exec(arrivedAt(link.address)[0]?.raw.replaceAll("=\r\n", "") ?? "")?.[0] ?? "";
    assert.ok(token.length > 20);
    const hex = (text: string) => Buffer.from(text).toString("hex");
    for (const text of [String(before.code?.whole), String(before.link?.whole), lines.join("\n")]) {
      for (const secret of [address, link.address, token, hex(code), hex(token), hex(address)])
        assert.ok(!text.includes(secret), secret);
    }
    assert.ok(!String(before.code?.whole).includes(code));
    assert.match(lines.join("\n"), /a mail could not be sent and will be tried again/);
  });

  test("a code that has expired, was replaced or was used is not sent late", async () => {
    mailServer.answer("defer");
    const expired = await askedForCode();
    const replaced = await askedForCode();
    await replaced.login.submit("send_again");
    await server.app.settled();
    const left = await askedForCode();
    await left.login.submit("other_address");
    mailServer.answer("take");
    clock.pass(10);
    await Promise.all([expired.tenant].map((tenant) => postpone(tenant)));
    await run();
    assert.equal(arrivedAt(replaced.address).length, 1, "the second code alone");
    const statuses = await statusesOf(replaced.tenant);
    assert.deepEqual(statuses.toSorted(), [
      ...["ONE_TIME_CODE DELAYED deferred_by_server", "ONE_TIME_CODE DELAYED deferred_by_server"],
      ...["ONE_TIME_CODE GIVEN_UP replaced", "ONE_TIME_CODE SENT"],
    ]);
    assert.equal(arrivedAt(left.address).length, 0);
    clock.pass(600);
    await run();
    assert.equal(arrivedAt(expired.address).length, 0);
    assert.equal((await statusesOf(expired.tenant)).at(-1), "ONE_TIME_CODE GIVEN_UP expired");
  });

  /** Lets the mails of a tenant wait for ten minutes more, as after several attempts. */
  async function postpone({ tenantId }: TestTenant) {
    await server.deps.database.maintain((session) =>
      session.query("UPDATE outgoing_mails SET next_attempt_at_ms = $2 WHERE tenant_id = $1", [
        tenantId,
        clock.nowMs() + 600_000,
      ]),
    );
  }

  test("a link that was revoked is not sent, and what belongs to a deleted person is gone", async () => {
    mailServer.answer("defer");
    const revoked = await invited();
    const { api, identity, job } = revoked;
    await succeed(api("SetCredentialBindingJobRevoked", { identity, job }));
    const deleted = await invited();
    await succeed(deleted.api("DeleteIdentity", { identity: deleted.identity }));
    mailServer.answer("take");
    clock.pass(10);
    await run();
    for (const { address } of [revoked, deleted]) assert.equal(arrivedAt(address).length, 0);
    assert.equal(await revoked.state(), "REVOKED");
    assert.equal((await statusesOf(revoked.tenant)).at(-1), "BINDING_LINK GIVEN_UP withdrawn");
  });

  test("a link is not sent late to an address that is the person's no more, and its job has failed", async () => {
    mailServer.answer("defer");
    const { tenant, api, identity, address, state } = await invited();
    const traits = { type: "traits_v0" as const, username: address, primary_email_address: newAddress(tenant) };
    await succeed(api("UpdateIdentity", { identity, body: { identity: { traits } } }));
    mailServer.answer("take");
    clock.pass(10);
    await run();
    assert.deepEqual([arrivedAt(address).length, await state()], [0, "FAILED_TO_SEND"]);
  });

  test("a batch says what became of its mails", async () => {
    const tenant = await testTenant({ server, kind: "production" });
    const api = managementClient(tenant);
    const identity = await tenant.addIdentity(newAddress(tenant));
    const body = {
      batch_credential_binding_job: { identity_ids: [identity], job_template: { authenticator_config: OWN } },
    };
    const { id: batch } = await succeed(api("CreateBatchCredentialBindingJob", { body }));
    const show = () => succeed(api("GetBatchCredentialBindingJob", { batch }));
    mailServer.answer("defer");
    await batchBindingJobsJob.run(server.deps);
    await run();
    const last_error = "the mail could not be sent";
    const delayed = await show();
    assert.deepEqual(delayed.state_commentary.errors[identity], { last_error, failed_permanently: false });
    assert.equal(delayed.state, "RUNNING");
    mailServer.answer("refuse");
    clock.pass(10);
    await run();
    const failed = await show();
    assert.deepEqual(failed.state_commentary.errors[identity], { last_error, failed_permanently: true });
    assert.equal(failed.state, "FAILED");
  });

  test("a test tenant's mails are kept and no mail server sees them (rule 41)", async () => {
    const before = mailServer.asked();
    const { tenant, address } = await askedForCode({ kind: "test" });
    assert.equal(mailServer.asked(), before);
    const [mail] = await mailsOf(tenant);
    assert.equal(mail?.to, address);
    assert.deepEqual(await statusesOf(tenant), ["ONE_TIME_CODE SENT"]);
  });

  test("a test tenant's code is kept also where it was used before its mail was tried (rule 41)", async () => {
    const tenant = await testTenant({ server });
    const address = newAddress(tenant);
    const identityId = await tenant.addIdentity(address);
    const about = { kind: "ONE_TIME_CODE", identityId, aboutId: "a".repeat(32), expiresAt: 1 } as const;
    const source = { actor: { type: "Anonymous" }, traceId: Buffer.alloc(16), atMs: clock.nowMs() } as const;
    const mail = { to: address, subject: "Your code", text: "424242" };
    const db = server.deps.database.tenants([tenant.tenantId]);
    await deliverMail(server.deps, await queueMail(server.deps, db, tenant.realm, { ...about, source, mail }));
    assert.deepEqual(
      (await mailsOf(tenant)).map(({ to }) => to),
      [address],
    );
  });

  test("tenants take turns: one with many mails does not keep the others waiting (rule 22)", async () => {
    mailServer.answer("defer");
    const many = await invited();
    const body = { job: { delivery_method: "EMAIL" as const, authenticator_config: OWN } };
    for (let count = 0; count < 4; count += 1)
      await succeed(many.api("CreateCredentialBindingJob", { identity: many.identity, body }));
    clock.pass(5);
    const one = await invited();
    clock.pass(10);
    const limits = { nowMs: clock.nowMs(), limit: 1_000 };
    const due = await server.deps.database.maintain((session) => listDueMails(session, limits));
    const turns = due.map(({ tenantId }) => tenantId);
    assert.equal(turns.filter((tenantId) => tenantId === many.tenant.tenantId).length, 5);
    const second = turns.indexOf(many.tenant.tenantId, turns.indexOf(many.tenant.tenantId) + 1);
    assert.ok(turns.indexOf(one.tenant.tenantId) < second);
    mailServer.answer("take");
    await run();
    assert.deepEqual([arrivedAt(many.address).length, arrivedAt(one.address).length], [5, 1]);
  });

  test("a mail whose master key is gone fails and says so", async () => {
    mailServer.answer("defer");
    const { tenant, address, state } = await invited();
    mailServer.answer("take");
    clock.pass(10);
    const [row] = await rowsOf(tenant);
    const sealer = createSealer([server.deps.random.bytes(32)], server.deps.random);
    await deliverMail({ ...server.deps, sealer }, { ...tenant.realm, mailId: String(row?.outgoing_mail_id) });
    assert.equal((await statusesOf(tenant)).at(-1), "BINDING_LINK FAILED unreadable");
    assert.deepEqual([arrivedAt(address).length, await state()], [0, "FAILED_TO_SEND"]);
  });

  test("an operator sees how many mails wait, since when, and what became of the others", async () => {
    mailServer.answer("defer");
    await invited();
    clock.pass(5);
    const { text } = await call(`${server.operationsUrl}/metrics`);
    const seriesOf = (name: RegExp) => Number(new RegExp(`^${name.source} (\\S+)$`, "m").exec(text)?.[1]);
    assert.ok(seriesOf(/mayfly_mails_waiting(?:\{[^}]*\})?/) >= 1, text.match(/mayfly_mails_waiting.*/)?.[0] ?? text);
    assert.ok(seriesOf(/mayfly_mail_oldest_age_seconds(?:\{[^}]*\})?/) >= 5);
    assert.match(text, /mayfly_mails_total\{[^}]*result="postponed"[^}]*\} [1-9]/);
    assert.match(text, /mayfly_mails_total\{[^}]*result="sent"[^}]*\} [1-9]/);
  });

  test("what became of a mail is forgotten after a week", async () => {
    const { tenant } = await invited();
    mailServer.answer("defer");
    const waiting = await invited();
    clock.pass(7 * DAY - 1);
    await oldMailsJob.run(server.deps);
    assert.equal((await rowsOf(tenant)).length, 1);
    clock.pass(2);
    await oldMailsJob.run(server.deps);
    assert.deepEqual([(await rowsOf(tenant)).length, (await rowsOf(waiting.tenant)).length], [0, 1]);
  });
});

const SOON = { everyMs: 20, msMax: 30_000 };
