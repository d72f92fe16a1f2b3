import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { sha256 } from "../../src/platform/hash.ts";
import { MANAGEMENT_SCOPES } from "../../src/protocol/management-scopes.ts";
import { formatLinkToken } from "../../src/protocol/opaque-token.ts";
import {
  type BindingJobKey,
  completeBindingJob,
  findBindingJob,
} from "../../src/resources/credential-binding-job/queries.ts";
import { adminWorld } from "../support/admin-world.ts";
import { changesOf } from "../support/change-events.ts";
import { call } from "../support/http.ts";
import { mailsOf, suspend } from "../support/login-flow.ts";
import { managementClient, succeed, violationsOf } from "../support/management-client.ts";
import { addPasskey } from "../support/test-credential.ts";
import { type TenantOptions, type TestTenant, testTenant } from "../support/test-tenant.ts";

const DAY = 86_400;
const EMBEDDED = { type: "embedded" as const, invoke_url: "https://shop.example/login?x=1" };
const OWN = { config: { ...EMBEDDED, trusted_origins: ["https://shop.example"] } };
const RETURN = { delivery_method: "RETURN" as const, authenticator_config: OWN };
const EMAIL = { delivery_method: "EMAIL" as const, authenticator_config: OWN };

async function world(options: TenantOptions = {}) {
  const tenant = await testTenant(options);
  const api = managementClient(tenant);
  const address = `ada-${tenant.tenantId}@example.com`;
  const identity = await tenant.addIdentity(address);
  const make = async (job: typeof RETURN | typeof EMAIL = RETURN) => {
    const made = await succeed(api("CreateCredentialBindingJob", { identity, body: { job } }));
    return { ...made.credential_binding_job, link: made.credential_binding_link ?? "" };
  };
  const show = (job: string) => succeed(api("GetCredentialBindingJob", { identity, job }));
  return { tenant, api, identity, address, make, show };
}

function placeOf({ server, realm, tenantId }: TestTenant, jobId: string) {
  const key: BindingJobKey = { ...realm, jobId };
  return { key, db: server.deps.database.tenants([tenantId]), nowMs: server.deps.clock.nowMs() };
}

function tokenIn(link: string): string {
  return new URL(link).searchParams.get("token") ?? "";
}

/** Uses a link as an authenticator will, to its end. */
async function complete(tenant: TestTenant, identityId: string, made: { id: string; link: string }) {
  const { key, db, nowMs } = placeOf(tenant, made.id);
  const at = { now: Math.floor(nowMs / 1_000), nowMs };
  const credentialId = await addPasskey(tenant, identityId);
  const isComplete = await completeBindingJob(db, key, { tokenHash: sha256(tokenIn(made.link)), credentialId }, at);
  return { credentialId, isComplete };
}

test("a returned link stands beside the job, once, and its job never shows it again", async () => {
  const { tenant, api, identity, show } = await world();
  const back = "https://shop.example/welcome";
  const body = { job: { ...RETURN, post_binding_redirect_uri: back } };
  const made = await api("CreateCredentialBindingJob", { identity, body });
  assert.equal(made.status, 200, made.text);
  const { credential_binding_job: job, credential_binding_link: link = "" } = made.value;
  assert.equal(Object.keys(made.value)[0], "credential_binding_job");
  const { id, create_time, update_time, expire_time, ...rest } = job;
  assert.deepEqual(rest, {
    identity_id: identity,
    tenant_id: tenant.tenantId,
    realm_id: tenant.realm.realmId,
    state: "LINK_SENT",
    delivery_method: "RETURN",
    post_binding_redirect_uri: back,
    authenticator_config: { config: { ...OWN.config, invocation_type: "automatic", authentication_methods: [] } },
  });
  assert.equal(create_time, update_time);
  assert.equal(Math.ceil((Date.parse(expire_time) - Date.parse(create_time)) / 1_000), 7 * DAY);
  const path = `/v1/tenants/${tenant.tenantId}/realms/${tenant.realm.realmId}/identities/${identity}/credential-binding-jobs/${id}:invokeAuthenticator`;
  assert.equal(link.split("?")[0], tenant.server.deps.config.publicUrl + path);
  const shown = await api("GetCredentialBindingJob", { identity, job: id, query: { filter: "stray" } });
  assert.deepEqual(shown.value, job);
  assert.ok(!shown.text.includes(tokenIn(link)));
  const stored = await tenant.server.deps.database.maintain((session) =>
    session.query("SELECT x::text AS text FROM credential_binding_jobs x WHERE tenant_id = $1", [tenant.tenantId]),
  );
  assert.ok(!String(stored[0]?.text).includes(tokenIn(link).slice(-20)), "the token itself is stored");
  assert.deepEqual(await changesOf(tenant, id), ["CredentialBindingJobChange CREATE"]);
  assert.equal((await show(id)).state, "LINK_SENT");
});

test("the link leads to the authenticator's bind page with what it needs, and may be opened again", async () => {
  const { tenant, identity, make, show } = await world();
  const made = await make();
  for (let time = 0; time < 2; time += 1) {
    const opened = await call(made.link);
    assert.equal(opened.status, 302, opened.text);
    assert.deepEqual(
      [opened.headers.get("cache-control"), opened.headers.get("referrer-policy")],
      ["no-store", "no-referrer"],
    );
    const location = new URL(opened.headers.get("location") ?? "");
    assert.equal(location.origin + location.pathname, "https://shop.example/login/bind");
    assert.deepEqual(Object.fromEntries(location.searchParams), {
      x: "1",
      api_base_url: tenant.server.deps.config.publicUrl,
      tenant_id: tenant.tenantId,
      realm_id: tenant.realm.realmId,
      identity_id: identity,
      job_id: made.id,
      token: tokenIn(made.link),
    });
  }
  assert.equal((await show(made.id)).state, "LINK_OPENED");
  const changes = await changesOf(tenant, made.id);
  assert.deepEqual(changes, ["CredentialBindingJobChange CREATE", "CredentialBindingJobChange UPDATE"]);
});

test("an emailed link comes to the address on record after the commit, and is not in the answer", async () => {
  const { tenant, api, identity, address, show } = await world();
  await succeed(api("CreateTheme", { body: { theme: { email_realm_name: "Ada's shop", button_color: "#123456" } } }));
  const made = await succeed(api("CreateCredentialBindingJob", { identity, body: { job: EMAIL } }));
  assert.deepEqual(Object.keys(made), ["credential_binding_job"]);
  const { id } = made.credential_binding_job;
  await tenant.server.app.settled();
  const [mail] = await mailsOf(tenant);
  assert.deepEqual([mail?.to, mail?.subject], [address, "Set up your passkey for Ada's shop"]);
  const [link = ""] = /http\S+invokeAuthenticator\?token=\S+/.exec(mail?.body ?? "") ?? [];
  assert.equal((await call(link)).status, 302);
  assert.equal((await show(id)).state, "LINK_OPENED");
  assert.ok((await changesOf(tenant, id)).includes("EmailStatusChange UPDATE"));
});

test("an emailed link is in the language of the person, not of who asked for it", async () => {
  const { tenant, api } = await world();
  const address = `eva-${tenant.tenantId}@example.com`;
  const traits = { type: "traits_v0" as const, username: address, primary_email_address: address, locale: "de_AT" };
  const { id: identity } = await succeed(
    api("CreateIdentity", { body: { identity: { display_name: "Eva", traits } } }),
  );
  await succeed(api("CreateCredentialBindingJob", { identity, body: { job: EMAIL } }));
  const [mail] = await mailsOf(tenant);
  assert.equal(mail?.subject, "Richten Sie Ihren Passkey für Customers ein");
  assert.match(mail?.body ?? "", /^Guten Tag Eva,/);
});

test("a real tenant's link goes out by mail, to one mailbox", async () => {
  const { tenant, api, identity, address } = await world({ kind: "production" });
  await succeed(api("CreateCredentialBindingJob", { identity, body: { job: EMAIL } }));
  await tenant.server.app.settled();
  const outbox = join(tenant.server.dataDirectory, "outbox");
  const names = (await readdir(outbox)).filter((name) => name.endsWith(".eml"));
  const mails = await Promise.all(names.map((name) => readFile(join(outbox, name), "utf8")));
  const own = mails.filter((mail) => mail.includes(address));
  assert.equal(own.length, 1);
  assert.match(own[0]?.replaceAll("=\r\n", "") ?? "", /invokeAuthenticator\?token=(3D)?mayfly_bl_/);
});

test("a link that cannot be mailed fails its job, and the person is INVITE_FAILED until the next", async () => {
  const { tenant, api, identity, show } = await world({ kind: "production" });
  const { transport, restore } = brokenMail(tenant);
  const made = await succeed(api("CreateCredentialBindingJob", { identity, body: { job: EMAIL } }));
  assert.equal(made.credential_binding_job.state, "LINK_SENT");
  await tenant.server.app.settled();
  restore();
  assert.equal(transport.tries, 1);
  assert.equal((await show(made.credential_binding_job.id)).state, "FAILED_TO_SEND");
  assert.equal((await succeed(api("GetIdentity", { identity }))).enrollment_status, "INVITE_FAILED");
  await succeed(api("CreateCredentialBindingJob", { identity, body: { job: RETURN } }));
  assert.equal((await succeed(api("GetIdentity", { identity }))).enrollment_status, "PENDING");
});

/** Lets the server's mails fail until they are restored. */
function brokenMail({ server }: TestTenant) {
  const { mail } = server.deps;
  const { send } = mail;
  const transport = { tries: 0 };
  Object.assign(mail, {
    send: async () => {
      transport.tries += 1;
      throw Object.assign(new Error("no such user"), { code: "EENVELOPE", responseCode: 550 });
    },
  });
  return { transport, restore: () => Object.assign(mail, { send }) };
}

test("who has no address, is suspended or does not exist is not invited", async () => {
  const { tenant, api, identity } = await world();
  const traits = { type: "traits_v0" as const, username: "nomail" };
  const body = { identity: { display_name: "No Mail", traits } };
  const { id: nomail } = await succeed(api("CreateIdentity", { body }));
  const refused = await api("CreateCredentialBindingJob", { identity: nomail, body: { job: EMAIL } });
  const code = "unprocessable_entity";
  assert.deepEqual(
    [refused.status, refused.json?.code, refused.json?.message],
    [422, code, "Identity missing email address"],
  );
  await succeed(api("CreateCredentialBindingJob", { identity: nomail, body: { job: RETURN } }));
  await suspend(tenant, identity);
  for (const job of [RETURN, EMAIL]) {
    const suspended = await api("CreateCredentialBindingJob", { identity, body: { job } });
    assert.deepEqual([suspended.status, suspended.json?.message], [422, "Identity is not active"]);
  }
  const unknown = await api("CreateCredentialBindingJob", { identity: "00000000000000ff", body: { job: RETURN } });
  assert.deepEqual([unknown.status, unknown.json?.message], [404, "identity not found"]);
  assert.equal((await api("CreateCredentialBindingJob", { identity: "-", body: { job: RETURN } })).status, 404);
});

test("a job names exactly one authenticator: by id, or an embedded one of its own", async () => {
  const { tenant, api, identity } = await world();
  const refuse = async (job: object) => {
    const body = { job: { delivery_method: "RETURN" as const, ...job } };
    const answer = await api("CreateCredentialBindingJob", { identity, body });
    assert.equal(answer.status, 400, answer.text);
    return violationsOf(answer).join();
  };
  const id = await tenant.addAuthenticatorConfig();
  assert.equal(await refuse({}), "job.authenticator_config_id: missing");
  assert.match(
    await refuse({ authenticator_config: OWN, authenticator_config_id: id }),
    /^job.authenticator_config_id: /,
  );
  const other = "00000000-0000-4000-8000-000000000000";
  assert.match(await refuse({ authenticator_config_id: other }), /^job.authenticator_config_id: is no authenticator/);
  const hosted = { config: { type: "hosted_web", trusted_origins: [], authentication_methods: [] } };
  assert.match(
    await refuse({ authenticator_config: hosted }),
    /^job.authenticator_config.config.type: must be embedded/,
  );
  const bad = { config: { ...OWN.config, invoke_url: "javascript:alert(1)" } };
  assert.match(await refuse({ authenticator_config: bad }), /^job.authenticator_config.config.invoke_url: /);
  for (const uri of ["http://shop.example/", "javascript:alert(1)", "https://a@b.example/", "https://b.example/#x"]) {
    const job = { authenticator_config: OWN, post_binding_redirect_uri: uri };
    assert.match(await refuse(job), /^job.post_binding_redirect_uri: /, uri);
  }
  assert.match(
    await refuse({ authenticator_config: OWN, delivery_method: "SMS" }),
    /^job.delivery_method: must be one of/,
  );
  const job = { delivery_method: "RETURN" as const, authenticator_config_id: id, authenticator_config: null };
  const made = await succeed(api("CreateCredentialBindingJob", { identity, body: { job } }));
  assert.equal(made.credential_binding_job.authenticator_config_id, id);
  const opened = await call(made.credential_binding_link ?? "");
  const hostedAt = new URL(opened.headers.get("location") ?? "");
  assert.match(hostedAt.pathname, new RegExp(`^/authenticator/v1/tenants/${tenant.tenantId}/realms/\\w+/bind$`));
});

test("who has no true token is told nothing: not whether there is a job, nor what became of it", async () => {
  const { tenant, api, identity, make, show } = await world();
  const [made, revoked] = [await make(), await make()];
  await succeed(api("SetCredentialBindingJobRevoked", { identity, job: revoked.id }));
  const wrong = formatLinkToken(tenant.server.deps.random.bytes(32));
  const at = (link: string, token: string) => call(link.replace(/token=.*/, `token=${token}`));
  const answers = [
    await at(made.link, wrong),
    await at(revoked.link, wrong),
    await at(made.link.replace(made.id, "00000000000000ff"), tokenIn(made.link)),
    await at(made.link.replace(identity, "00000000000000ff"), tokenIn(made.link)),
    await at(made.link.replace(tenant.tenantId, "00000000000000ff"), wrong),
    await at(made.link, tokenIn(revoked.link)),
    await at(made.link, ""),
    await call(made.link.split("?")[0] ?? ""),
    await call(`${made.link}&token=${wrong}`),
  ];
  for (const answer of answers) {
    assert.equal(answer.status, 404, answer.text);
    assert.match(answer.text, /<h1>This link is not valid<\/h1>/);
    assert.equal(answer.headers.get("location"), null);
  }
  const broken = await at(made.link, `${tokenIn(made.link)}%00`);
  assert.deepEqual([broken.status, broken.headers.get("location")], [400, null]);
  assert.equal((await show(made.id)).state, "LINK_SENT");
  const json = await call(made.link.replace(/token=.*/, ""), { headers: { accept: "application/json" } });
  assert.deepEqual([json.status, json.json?.error], [404, "invalid_request"]);
});

test("a link is over when its job is revoked, spent, expired, or its person or authenticator is gone", async () => {
  const { tenant, api, identity, make, show } = await world();
  const assertOver = async (link: string) => {
    const answer = await call(link);
    assert.equal(answer.status, 410, answer.text);
    assert.match(answer.text, /<h1>This link does not work any more<\/h1>/);
  };
  const [revoked, used, left] = [await make(), await make(), await make()];
  const config = await tenant.addAuthenticatorConfig();
  const job = { delivery_method: "RETURN" as const, authenticator_config_id: config };
  const byId = await succeed(api("CreateCredentialBindingJob", { identity, body: { job } }));
  await succeed(api("DeleteAuthenticatorConfig", { authenticator_config: config }));
  await assertOver(byId.credential_binding_link ?? "");
  await succeed(api("SetCredentialBindingJobRevoked", { identity, job: revoked.id }));
  await assertOver(revoked.link);
  await complete(tenant, identity, used);
  await assertOver(used.link);
  await tenant.advance(7 * DAY - 60);
  assert.equal((await call(left.link)).status, 302);
  await tenant.advance(60);
  await assertOver(left.link);
  assert.equal((await show(left.id)).state, "EXPIRED");
  assert.equal((await succeed(api("SetCredentialBindingJobRevoked", { identity, job: left.id }))).state, "REVOKED");
  const last = await make();
  await suspend(tenant, identity);
  await assertOver(last.link);
});

test("a link is spent once, even by two at once, and completes its job", async () => {
  const { tenant, api, identity, make, show } = await world();
  const made = await make();
  const { key, db, nowMs } = placeOf(tenant, made.id);
  const at = { now: Math.floor(nowMs / 1_000), nowMs };
  const credentialId = await addPasskey(tenant, identity);
  const bound = { tokenHash: sha256(tokenIn(made.link)), credentialId };
  assert.equal(await completeBindingJob(db, key, { ...bound, tokenHash: sha256("another") }, at), false);
  assert.equal(await completeBindingJob(db, key, bound, { ...at, now: at.now + 8 * DAY }), false);
  const spent = await Promise.all([1, 2, 3].map(() => completeBindingJob(db, key, bound, at)));
  assert.equal(spent.filter((won) => won).length, 1);
  const shown = await show(made.id);
  assert.deepEqual([shown.state, shown.credential_id], ["COMPLETE", credentialId]);
  const late = await api("SetCredentialBindingJobRevoked", { identity, job: made.id });
  assert.deepEqual([late.status, late.json?.code], [409, "conflict"]);
  assert.equal((await succeed(api("GetIdentity", { identity }))).enrollment_status, "ENROLLED");
});

test("revocation is told once, and may be asked for again", async () => {
  const { tenant, api, identity, make } = await world();
  const { id: job, link } = await make();
  const stale = await api("SetCredentialBindingJobRevoked", { identity, job, headers: { "if-match": '"4"' } });
  assert.equal(stale.status, 412);
  assert.equal((await succeed(api("SetCredentialBindingJobRevoked", { identity, job }))).state, "REVOKED");
  assert.equal((await succeed(api("SetCredentialBindingJobRevoked", { identity, job }))).state, "REVOKED");
  const changes = await changesOf(tenant, job);
  assert.deepEqual(changes, ["CredentialBindingJobChange CREATE", "CredentialBindingJobChange UPDATE"]);
  const { key, db, nowMs } = placeOf(tenant, job);
  const at = { now: 1, nowMs };
  const bound = { tokenHash: sha256(tokenIn(link)), credentialId: "00000000000000ff" };
  assert.equal(await completeBindingJob(db, key, bound, at), false);
  const other = await tenant.addIdentity("other@example.com");
  assert.equal((await api("SetCredentialBindingJobRevoked", { identity: other, job })).status, 404);
  const missing = await api("GetCredentialBindingJob", { identity: other, job });
  assert.deepEqual([missing.status, missing.json?.message], [404, "credential binding job not found"]);
});

test("jobs are listed of one identity, or with a dash of the realm", async () => {
  const { tenant, api, identity, make } = await world();
  const own = [(await make()).id, (await make(EMAIL)).id];
  await tenant.server.app.settled();
  const other = await tenant.addIdentity("other@example.com");
  const empty = await succeed(api("ListCredentialBindingJobs", { identity: other }));
  assert.deepEqual(empty, { credential_binding_jobs: [], total_size: 0 });
  const theirs = await succeed(api("CreateCredentialBindingJob", { identity: other, body: { job: RETURN } }));
  const list = async (whose: string, query: Record<string, string> = {}) => {
    const listed = await succeed(api("ListCredentialBindingJobs", { identity: whose, query }));
    assert.equal(Object.keys(listed)[0], "credential_binding_jobs");
    return listed.credential_binding_jobs.map(({ id }) => id).toSorted();
  };
  assert.deepEqual(await list(identity), own.toSorted());
  assert.deepEqual(await list("-"), [...own, theirs.credential_binding_job.id].toSorted());
  assert.deepEqual(await list("-", { filter: 'delivery_method eq "EMAIL"' }), own.slice(1));
  const page = await succeed(api("ListCredentialBindingJobs", { identity: "-", query: { page_size: "2" } }));
  assert.deepEqual([page.credential_binding_jobs.length, page.total_size], [2, 3]);
  assert.equal((await api("ListCredentialBindingJobs", { identity: "00000000000000ff" })).status, 404);
});

test("a create under one Idempotency-Key makes one job and sends one mail", async () => {
  const { tenant, api, identity } = await world();
  const send = () =>
    api("CreateCredentialBindingJob", { identity, body: { job: EMAIL }, headers: { "idempotency-key": "invite" } });
  const [one, two] = await Promise.all([send(), send()]);
  assert.equal(two.value.credential_binding_job.id, one.value.credential_binding_job.id);
  await tenant.server.app.settled();
  assert.equal((await mailsOf(tenant)).length, 1);
});

test("a create that is sent again under its Idempotency-Key shows its job without the link (rule 40)", async () => {
  const { api, identity } = await world();
  const sent = { identity, body: { job: RETURN }, headers: { "idempotency-key": "link" } };
  const first = await succeed(api("CreateCredentialBindingJob", sent));
  assert.notEqual(first.credential_binding_link, undefined);
  const { credential_binding_job } = first;
  assert.deepEqual(await succeed(api("CreateCredentialBindingJob", sent)), { credential_binding_job });
});

test("a link never gives power that whoever made it lacked, were it given to the person later (rule 1)", async () => {
  const { tenant, api, realm, group, nobody } = await adminWorld();
  const scopes = MANAGEMENT_SCOPES.filter((scope) => scope !== "events:read").join(" ");
  const token = await tenant.managementToken(scopes);
  const body = { job: RETURN };
  const lesser = await succeed(api("CreateCredentialBindingJob", { realm, identity: nobody, body, token }));
  const whole = await succeed(api("CreateCredentialBindingJob", { realm, identity: nobody, body }));
  assert.equal((await call(lesser.credential_binding_link ?? "")).status, 302);
  await succeed(api("AddGroupMembers", { realm, group, body: { identity_ids: [nobody] } }));
  assert.equal((await call(lesser.credential_binding_link ?? "")).status, 410);
  assert.equal((await call(whole.credential_binding_link ?? "")).status, 302);
  const { server, adminRealm, tenantId } = tenant;
  const key = { ...adminRealm, jobId: lesser.credential_binding_job.id };
  const job = await findBindingJob(server.deps.database.tenants([tenantId]), key, nobody);
  assert.equal(job?.creator.scopes.has("events:read"), false);
});
