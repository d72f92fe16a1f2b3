import assert from "node:assert/strict";
import { test } from "node:test";
import { type Answer, call, postForm } from "../support/http.ts";
import { mailsOf } from "../support/login-flow.ts";
import { sendRaw } from "../support/raw-http.ts";
import { passkeyOptionsOn, softwarePasskey } from "../support/software-passkey.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

const WEEK = 7 * 86_400;

/** The link of a job for somebody, opened up to our own page. */
async function bindingWorld(job: Readonly<Record<string, unknown>> = {}) {
  const tenant = await testTenant();
  const identityId = await tenant.addIdentity("ada@example.com");
  const configId = await tenant.addAuthenticatorConfig(["webauthn_passkey"]);
  const jobs = `/identities/${identityId}/credential-binding-jobs`;
  const body = { job: { delivery_method: "RETURN", authenticator_config_id: configId, ...job } };
  const made = await tenant.manage("POST", jobs, body);
  const link = String(made.json?.credential_binding_link);
  const opened = await call(link);
  const url = new URL(opened.headers.get("location") ?? "", tenant.server.url);
  const passkey = softwarePasskey({ origin: tenant.server.deps.config.publicUrl });
  return { tenant, identityId, jobs, link, url, passkey };
}

type World = Awaited<ReturnType<typeof bindingWorld>>;

/** Sends the page's form with what the browser made. */
async function bind({ url, passkey }: World, credential?: string): Promise<Answer> {
  const fields = Object.fromEntries(url.searchParams);
  const made = credential ?? passkey.create(passkeyOptionsOn(await call(url.href), "creation"));
  return postForm(`${url.origin}${url.pathname}`, { ...fields, credential: made });
}

async function stateOf({ tenant, jobs, url }: World): Promise<unknown> {
  return (await tenant.manage("GET", `${jobs}/${url.searchParams.get("job_id")}`)).json?.state;
}

async function countPasskeys({ tenant, identityId }: { tenant: TestTenant; identityId: string }): Promise<unknown> {
  return (await tenant.manage("GET", `/identities/${identityId}/credentials`)).json?.total_size;
}

test("a binding link makes one passkey, and its job and the events say so", async () => {
  const at = await bindingWorld();
  assert.equal(await stateOf(at), "LINK_OPENED");
  const bound = await bind(at);
  assert.equal(bound.status, 200, bound.text);
  assert.match(bound.text, /Your passkey is ready/);
  assert.match(bound.text, /<a href="[^"]*\/account\?ui_locales=en">Your account</);
  assert.equal(await stateOf(at), "COMPLETE");
  const events = await at.tenant.manage("GET", `/events?filter=${encodeURIComponent('type eq "CredentialChange"')}`);
  assert.match(events.text, /"action":"CREATE"/);
  for (const again of [
    await bind(at, at.passkey.create({ challenge: "A", user: { id: "AA" } })),
    await call(at.url.href),
    await call(at.link),
  ]) {
    assert.equal(again.status, 410);
  }
  assert.equal(await countPasskeys(at), 1);
});

test("whoever's account gets a passkey is told by mail, once, in which browser it was made", async () => {
  const at = await bindingWorld();
  const options = passkeyOptionsOn(await call(at.url.href), "creation");
  const { publicUrl: origin } = at.tenant.server.deps.config;
  const headers = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0" };
  const send = (credential: string) =>
    postForm(`${at.url.origin}${at.url.pathname}`, { ...Object.fromEntries(at.url.searchParams), credential }, headers);
  await Promise.all([1, 2].map(() => send(softwarePasskey({ origin }).create(options))));
  const mails = await mailsOf(at.tenant);
  assert.deepEqual(
    mails.map(({ to, subject }) => [to, subject]),
    [["ada@example.com", "A passkey was added to your account at Customers"]],
  );
  assert.match(mails[0]?.body ?? "", /^Browser: Firefox on Linux$/m);
});

test("of two browsers with one link one makes a passkey", async () => {
  const at = await bindingWorld();
  const options = passkeyOptionsOn(await call(at.url.href), "creation");
  const { publicUrl: origin } = at.tenant.server.deps.config;
  const answers = await Promise.all([1, 2, 3].map(() => bind(at, softwarePasskey({ origin }).create(options))));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 410, 410]);
  assert.equal(await countPasskeys(at), 1);
});

test("a person who has a passkey is led on where the job says so", async () => {
  const at = await bindingWorld({ post_binding_redirect_uri: "https://shop.example/welcome?from=link" });
  const page = await call(at.url.href);
  assert.match(page.headers.get("content-security-policy") ?? "", /form-action 'self' https:\/\/shop\.example;/);
  const bound = await bind(at);
  assert.deepEqual([bound.status, bound.headers.get("location")], [303, "https://shop.example/welcome?from=link"]);
});

test("a browser is led on by a page, which no policy of a form holds; a phone by a redirect that an app may wait for", async () => {
  const form = ["sec-fetch-mode: navigate", "sec-fetch-site: same-origin"];
  for (const [next, said, status] of [
    ["https://shop.example/welcome", form, 200],
    ["https://shop.example/welcome", [...form, "sec-ch-ua-mobile: ?1"], 303],
    ["com.example.shop:/welcome", form, 303],
  ] as const) {
    const { url, passkey } = await bindingWorld({ post_binding_redirect_uri: next });
    const credential = passkey.create(passkeyOptionsOn(await call(url.href), "creation"));
    const fields = new URLSearchParams({ ...Object.fromEntries(url.searchParams), credential });
    const headers = [...said, "content-type: application/x-www-form-urlencoded"];
    const bound = await sendRaw(url.origin, {
      method: "POST",
      target: url.pathname,
      headers,
      body: Buffer.from(fields.toString()),
    });
    assert.equal(bound.status, status, bound.body);
    assert.ok(
      bound.headers.includes(status === 200 ? `\nrefresh: 0;url=${next}` : `\nlocation: ${next}`),
      bound.headers,
    );
  }
});

test("a passkey for something else is refused, and the link goes on working", async () => {
  const at = await bindingWorld();
  const options = passkeyOptionsOn(await call(at.url.href), "creation");
  for (const change of [
    { clientData: { challenge: "A".repeat(43) } },
    { clientData: { origin: "https://evil.example" } },
    { rpId: "evil.example" },
  ]) {
    assert.equal((await bind(at, at.passkey.create(options, change))).status, 400);
  }
  for (const credential of ["", "null", "{", "{}"]) assert.equal((await bind(at, credential)).status, 400);
  const careless = softwarePasskey({ origin: at.tenant.server.deps.config.publicUrl, isUserVerified: false });
  assert.equal((await bind(at, careless.create(options))).status, 400, "the method demands user verification");
  assert.equal(await countPasskeys(at), 0);
  assert.equal((await bind(at)).status, 200);
});

const ENDS: readonly (readonly [string, (at: World) => Promise<unknown>])[] = [
  ["expired", ({ tenant }) => tenant.advance(WEEK)],
  ["withdrawn", ({ tenant, jobs, url }) => tenant.manage("POST", `${jobs}/${url.searchParams.get("job_id")}:revoke`)],
  [
    "of somebody suspended",
    ({ tenant, identityId }) =>
      tenant.manage("PATCH", `/identities/${identityId}`, { identity: { status: "suspended" } }),
  ],
];
for (const [name, end] of ENDS) {
  test(`a link that is ${name} binds nothing, though its page was open already`, async () => {
    const at = await bindingWorld();
    const credential = at.passkey.create(passkeyOptionsOn(await call(at.url.href), "creation"));
    await end(at);
    const refused = await bind(at, credential);
    assert.equal(refused.status, 410, refused.text);
    assert.equal((await call(at.url.href)).status, 410);
  });
}

test("without the true token every link is unknown, whatever it names", async () => {
  const at = await bindingWorld();
  const other = await bindingWorld();
  for (const [name, value] of [
    ["token", other.url.searchParams.get("token") ?? ""],
    ["token", "mayfly_bl_x"],
    ["job_id", other.url.searchParams.get("job_id") ?? ""],
    ["identity_id", "0".repeat(16)],
  ] as const) {
    const url = new URL(at.url);
    url.searchParams.set(name, value);
    const page = await call(url.href);
    assert.equal(page.status, 404, name);
    assert.match(page.text, /This link is not valid/);
    assert.equal((await bind({ ...at, url }, "{}")).status, 404);
  }
});

test("a policy that forbids to enrol is heard before the passkey is stored", async () => {
  const at = await bindingWorld();
  const rule = { id: "no-passkeys", match: { transaction_types: ["registration"] }, action: "DENY" };
  const set = await at.tenant.manage("POST", "/policy-v1", { policy: { rules: [rule], default_action: "ALLOW" } });
  assert.ok(set.status < 300, set.text);
  const refused = await bind(at);
  assert.equal(refused.status, 400);
  assert.match(refused.text, /do not allow this passkey/);
  assert.equal(await countPasskeys(at), 0);
});

test("another site's form binds nothing", async () => {
  const at = await bindingWorld();
  const fields = { ...Object.fromEntries(at.url.searchParams), credential: "{}" };
  const sent = await postForm(`${at.url.origin}${at.url.pathname}`, fields, { origin: "https://evil.example" });
  assert.equal(sent.status, 403);
});
