import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { durationInWords } from "../../src/http/duration-in-words.ts";
import { createLoginLimiter } from "../../src/http/login-limit.ts";
import { takeLoginAllowance } from "../../src/resources/login-allowance/queries.ts";
import { accountUrl } from "../support/account-page.ts";
import type { Answer } from "../support/http.ts";
import { decisionOf, newAddress } from "../support/login-flow.ts";
import { movableClock } from "../support/movable-clock.ts";
import { setQuotas } from "../support/operator-client.ts";
import { softwarePasskey } from "../support/software-passkey.ts";
import { authorizeParameters, locationOf, type TestLogin, testBrowser, testLogin } from "../support/test-browser.ts";
import { TOKENS } from "../support/test-client.ts";
import { type CodeFlow, REDIRECT_URI, testCodeFlow } from "../support/test-code-flow.ts";
import { type TestServer, testServer } from "../support/test-server.ts";
import { testTenant } from "../support/test-tenant.ts";

/** The options that a login's page has for the browser. */
async function optionsOn(login: TestLogin, kind: "request" | "creation") {
  const { text } = await login.browser.open(login.url);
  const [, written = ""] = new RegExp(`data-passkey-${kind}="([^"]*)"`).exec(text) ?? [];
  return JSON.parse(written.replaceAll("&quot;", '"'));
}

const clock = movableClock();
/** What a node lets every network begin without asking. */
const UNASKED = 10;

describe("logins that are begun are bounded by the minute", () => {
  let server: TestServer;

  before(async () => {
    server = await testServer({ clock, environment: { MAYFLY_TRUSTED_PROXIES: "127.0.0.0/8,::1" } });
  });
  after(() => server.stop());

  async function limited(logins_per_minute: number): Promise<CodeFlow> {
    const flow = await testCodeFlow({ tenant: await testTenant({ server }) });
    await setQuotas(server, flow.tenant.tenantId, { logins_per_minute });
    return flow;
  }

  /** /authorize, as a browser at this address sends it. */
  function begin({ application }: CodeFlow, address: string, headers: Record<string, string> = {}): Promise<Answer> {
    const query = new URLSearchParams(authorizeParameters(application, "a-verifier-of-a-test-that-is-long-enough"));
    const url = `${application.issuer}/authorize?${query}`;
    return testBrowser().open(url, { "x-forwarded-for": address, ...headers });
  }

  async function countStored({ tenant }: CodeFlow): Promise<number> {
    const [row] = await server.deps.database.maintain((session) =>
      session.query("SELECT count(*)::integer AS size FROM authorization_requests WHERE tenant_id = $1", [
        tenant.tenantId,
      ]),
    );
    return Number(row?.size);
  }

  test("a source network may begin a tenth of its realm's, and the next is asked to wait on a page", async () => {
    const flow = await limited(200);
    for (let n = 0; n < 20 + UNASKED; n += 1) {
      assert.match(locationOf(await begin(flow, `203.0.113.${n}`)).pathname, /^\/authenticator\//);
    }
    const refused = await begin(flow, "203.0.113.200");
    assert.equal(refused.status, 429, refused.text);
    assert.match(refused.headers.get("content-type") ?? "", /^text\/html/);
    const wait = Number(refused.headers.get("retry-after"));
    assert.ok(wait >= 1 && wait <= 60, String(wait));
    assert.ok(refused.text.includes(`reload this page in ${durationInWords(wait, "en")}.`), refused.text);
    assert.deepEqual(refused.headers.getSetCookie(), []);
    assert.equal(await countStored(flow), 30, "nothing more is stored");
    const { outcome, facts } = await decisionOf(flow.tenant, refused);
    assert.deepEqual([outcome, facts.limit], ["temporarily_unavailable", "network"]);
    const spoken = await begin(flow, "203.0.113.200", { accept: "application/json" });
    assert.deepEqual([spoken.status, spoken.json?.error], [429, "temporarily_unavailable"]);
    assert.equal((await begin(flow, "198.51.100.7")).status, 303, "another network is not concerned");
    await server.app.settled();
    const found = await flow.tenant.manage("GET", `/decisions/${spoken.headers.get("x-trace-id")}`);
    assert.deepEqual(found.json?.decisions ?? [], [], "a flood leaves one decision a minute");
    clock.pass(60);
    assert.equal((await begin(flow, "203.0.113.200")).status, 303, "nobody is locked out");
  });

  test("a realm has a bound of its own, whatever networks they come from", async () => {
    const flow = await limited(20);
    for (let n = 0; n < 20; n += 1) assert.equal((await begin(flow, `203.0.${n}.1`)).status, 303);
    const refused = await begin(flow, "2001:db8::1");
    assert.equal(refused.status, 429, refused.text);
    assert.equal((await decisionOf(flow.tenant, refused)).facts.limit, "realm");
    assert.equal((await begin(await limited(20), "203.0.1.1")).status, 303, "another realm is not concerned");
  });

  test("logins to the account page count as any", async () => {
    const flow = await limited(20);
    const { tenant } = flow;
    const url = `${accountUrl(tenant, tenant.realm)}/login`;
    const open = (address: string) => testBrowser().open(url, { "x-forwarded-for": address });
    for (let n = 0; n < 10; n += 1) assert.equal((await begin(flow, `203.0.${n}.1`)).status, 303);
    for (let n = 10; n < 20; n += 1) assert.equal((await open(`203.0.${n}.1`)).status, 303);
    const refused = await open("2001:db8::1");
    assert.equal(refused.status, 429, refused.text);
    assert.ok(Number(refused.headers.get("retry-after")) >= 1);
    assert.deepEqual(refused.headers.getSetCookie(), []);
    const { outcome, facts } = await decisionOf(tenant, refused);
    assert.deepEqual([outcome, facts.limit], ["limit_reached", "realm"]);
    assert.equal(await countStored(flow), 20);
  });

  test("addresses that are nobody's yet get few codes in a minute, and people get theirs all the same", async () => {
    const tenant = await testTenant({ server, realm: { auto_provision: true } });
    const { application } = await testCodeFlow({ tenant });
    await setQuotas(server, tenant.tenantId, { logins_per_minute: 300 });
    const known = newAddress(tenant);
    await tenant.addIdentity(known);
    const send = async (email: string): Promise<string> => {
      const login = await testLogin(tenant, application);
      const { outcome, facts } = await decisionOf(tenant, await login.submit("send", { email }));
      return String(facts.cause ?? outcome);
    };
    const outcomes: string[] = [];
    for (let n = 0; n < 4; n += 1) outcomes.push(await send(newAddress(tenant)));
    const refused = "too many newcomers ask for codes in this minute";
    assert.deepEqual(outcomes, ["code_sent", "code_sent", "code_sent", refused]);
    assert.equal(await send(known), "code_sent");
    clock.pass(60);
    assert.equal(await send(newAddress(tenant)), "code_sent");
  });

  test("passkeys that fail count, too, and the right one logs in however many did", async () => {
    const tenant = await testTenant({ server });
    const email = newAddress(tenant);
    await tenant.addIdentity(email);
    const application = await tenant.addApplication({
      authenticator_config_id: await tenant.addAuthenticatorConfig(["email_one_time_password", "webauthn_passkey"]),
      protocol_config: {
        type: "oidc",
        grant_type: ["authorization_code"],
        redirect_uris: [REDIRECT_URI],
        pkce: "s256",
        token_configuration: TOKENS,
      },
    });
    const passkey = softwarePasskey({ origin: server.deps.config.publicUrl });
    const first = await testLogin(tenant, application);
    await first.logIn(email);
    const creation = await optionsOn(first, "creation");
    await first.finish(await first.submit("create", { credential: passkey.create(creation) }));
    const login = await testLogin(tenant, application);
    const options = await optionsOn(login, "request");
    await setQuotas(server, tenant.tenantId, { logins_per_minute: 10 });
    const statuses: number[] = [];
    for (let n = 0; n < 10; n += 1) statuses.push((await login.submit("passkey", { credential: "{}" })).status);
    assert.deepEqual(statuses, [...Array.from({ length: 9 }, () => 400), 429]); // two logins were begun
    const refused = await login.submit("passkey", { credential: "{}" });
    assert.equal(refused.status, 429, refused.text);
    assert.ok(Number(refused.headers.get("retry-after")) >= 1);
    const right = await login.submit("passkey", { credential: passkey.get(options) });
    assert.ok((await login.finish(right)).searchParams.has("code"), right.text);
  });

  test("nodes share the bound, and an ordinary login costs no statement for its network", async () => {
    const { tenant } = await limited(1_000);
    const asked: number[] = [];
    const node = () =>
      createLoginLimiter({
        clock,
        lease: ({ realm, ...counted }, part) => {
          asked.push(counted.share);
          return takeLoginAllowance(server.deps.database.tenants([tenant.tenantId]), realm, { ...counted, ...part });
        },
      });
    const nodes = [node(), node(), node()];
    const admit = (n: number): Promise<void> => {
      const one = nodes[n % 3];
      assert.ok(one);
      return one.admit(tenant.realm, "203.0.113.9");
    };
    for (let n = 0; n < 3; n += 1) await admit(n);
    assert.deepEqual(asked, [1, 1, 1], "the realm's first part of each node");
    const results = await Promise.allSettled(Array.from({ length: 600 }, (_, n) => admit(n)));
    const admitted = 3 + results.filter(({ status }) => status === "fulfilled").length;
    assert.equal(admitted, 100 + 3 * UNASKED);
    const statements = asked.length;
    for (let n = 0; n < 3; n += 1) await assert.rejects(admit(n), /too many logins/);
    assert.equal(asked.length, statements, "who is refused costs no statement");
  });
});
