import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { oldCountsJob } from "../../src/jobs/live-counts.ts";
import { totalOf } from "../../src/protocol/histogram.ts";
import { USES_MIN } from "../../src/protocol/right-sizing.ts";
import { TOKEN_EXCHANGE } from "../../src/protocol/token-exchange.ts";
import { dayOf, readTokenUsage } from "../../src/resources/token-usage/queries.ts";
import { call, postForm } from "../support/http.ts";
import { decodeJwt } from "../support/jwt.ts";
import { managementClient, succeed, violationsOf } from "../support/management-client.ts";
import { cliUser } from "../support/run-cli.ts";
import { changeTokens, type TestClient, testClient } from "../support/test-client.ts";
import { testCodeFlow, tokensOf } from "../support/test-code-flow.ts";
import { testServer } from "../support/test-server.ts";
import { type TestApplication, type TestTenant, testTenant } from "../support/test-tenant.ts";
import { addExchanger, exchange } from "../support/token-exchange.ts";

const DAY = 86_400;
const LIFETIME = 7_200;

async function issue({ tenant, application }: TestClient, form: Readonly<Record<string, string>> = {}) {
  return tokensOf(await tenant.token(application, { grant_type: "client_credentials", ...form })).access;
}

function usageOf({ tenant, application }: { tenant: TestTenant; application: TestApplication }, days = "30") {
  return succeed(
    managementClient(tenant)("GetTokenUsage", { application: application.key.applicationId, query: { days } }),
  );
}

function apply(
  { tenant, application }: TestClient,
  body: { default_expires_after?: number; days?: number } = {},
  headers: Readonly<Record<string, string>> = {},
) {
  return managementClient(tenant)("ApplyTokenUsage", { application: application.key.applicationId, body, headers });
}

/** Uses a token at each of these ages, which rise, by moving the tenant's clock. */
async function useAt({ tenant, application }: TestClient, token: string, ages: readonly number[]): Promise<void> {
  let now = 0;
  for (const age of ages) {
    if (age > now) await tenant.advance(age - now);
    now = age;
    assert.equal((await tenant.introspect(application, token)).active, true);
  }
}

/** Enough uses for a recommendation, all of them at once. */
async function useOften(client: TestClient, token: string, times = USES_MIN): Promise<void> {
  await useAt(
    client,
    token,
    Array.from({ length: times }, () => 0),
  );
}

describe("right-sizing", () => {
  test("the percentiles of a known workload are within 5 % of the true ones, of all tokens and of a scope", async () => {
    const client = await testClient({ tokens: { default_expires_after: LIFETIME } });
    const token = await issue(client, { scope: "shoes:read" });
    // So that the mean of a wider bucket would be far from the quantile that lies in it.
    const workload = { 20: 30, 300: 28, 1030: 4, 1270: 30, 3000: 16, 4100: 10, 5000: 1, 5100: 1 };
    const ages = Object.entries(workload).flatMap(([age, times]) => Array.from({ length: times }, () => Number(age)));
    await useAt(client, token, ages);
    const { all, scopes } = await usageOf(client);
    const truth = (part: number) => ages[Math.ceil(part * ages.length) - 1] ?? 0;
    for (const seen of [all, scopes[0]]) {
      assert.equal(seen?.uses_seen, ages.length);
      for (const [name, part] of [
        ["p50", 0.5],
        ["p90", 0.9],
        ["p99", 0.99],
        ["max", 1],
      ] as const) {
        const read: number = seen?.age_at_use?.[name] ?? 0;
        assert.ok(Math.abs(read - truth(part)) <= 0.05 * truth(part), `${name}: ${read} for ${truth(part)}`);
      }
    }
    assert.deepEqual(
      scopes.map(({ scope }) => scope),
      ["shoes:read"],
    );
    assert.equal(all.default_lifetime, LIFETIME);
  });

  test("says what was granted, what is enough, and how much of the grants lay open without need", async () => {
    const client = await testClient({ tokens: { default_expires_after: LIFETIME } });
    const token = await issue(client);
    for (let n = 0; n < 3; n += 1) await issue(client, { expiration_time: "60", scope: "shoes:write" });
    const ages = [...Array.from({ length: USES_MIN }, () => 40), 600];
    await useAt(client, token, ages);
    const { all, scopes, days, since } = await usageOf(client, "1");
    assert.deepEqual([days, since % DAY], [1, 0]);
    assert.equal(all.tokens_issued, 4);
    assert.deepEqual(all.granted_lifetime, { p50: 60, p90: LIFETIME, p99: LIFETIME, max: LIFETIME });
    assert.deepEqual(all.age_at_use, { p50: 40, p90: 40, p99: 40, max: 600 });
    assert.deepEqual([all.recommended_lifetime, all.later_uses], [60, 1]);
    const [granted, unused] = [LIFETIME + 3 * 60, LIFETIME - 60];
    assert.deepEqual(all.unused_exposure, {
      token_seconds: unused,
      share: Math.round((unused / granted) * 10_000) / 10_000,
    });
    const issued = scopes.map(({ scope, tokens_issued, uses_seen }) => ({ scope, tokens_issued, uses_seen }));
    assert.deepEqual(issued, [
      { scope: "shoes:read", tokens_issued: 1, uses_seen: ages.length },
      { scope: "shoes:write", tokens_issued: 4, uses_seen: ages.length },
    ]);
  });

  test("costs an introspection no statement: what was counted is written in one, when it is read or ten seconds later", async () => {
    const client = await testClient();
    const { server, tenantId } = client.tenant;
    const token = await issue(client);
    await server.app.settled();
    await client.tenant.managementToken();
    server.sent.length = 0;
    await useOften(client, token);
    const own = () => server.sent.filter(({ tenantIds }) => tenantIds.includes(tenantId)).map((s) => s.statement.name);
    assert.deepEqual(
      own().filter((name) => name.startsWith("token_usage.")),
      [],
    );
    await usageOf(client);
    assert.deepEqual(
      own().filter((name) => name.startsWith("token_usage.")),
      ["token_usage.add", "token_usage.read"],
    );
  });

  test("an exchange is a use of the token that is exchanged, and one more token", async () => {
    const client = await testClient();
    const { tenant, application } = client;
    const token = await issue(client);
    await tenant.advance(70);
    tokensOf(await exchange(tenant, application, token, { scope: "shoes:read", expiration_time: "60" }));
    assert.equal((await exchange(tenant, await addExchanger(await testClient({ tenant })), token)).status, 400);
    const foreseen = { grant_type: TOKEN_EXCHANGE, subject_token_id: String(decodeJwt(token).jti) };
    const { issuer, authorization } = application;
    const preview = await postForm(`${issuer}/tokens:preview`, foreseen, { authorization });
    assert.equal(preview.json?.granted, true, "which is none");
    const { all } = await usageOf(client);
    assert.deepEqual([all.tokens_issued, all.uses_seen, all.age_at_use?.max], [2, 1, 70]);
    assert.deepEqual(all.granted_lifetime, { p50: 60, p90: DAY, p99: DAY, max: DAY });
  });

  test("userinfo and the management API count as uses, and nothing that is refused", async () => {
    const flow = await testCodeFlow();
    const { access } = await flow.logIn();
    const headers = { authorization: `Bearer ${access}` };
    assert.equal((await call(`${flow.application.issuer}/userinfo`, { headers })).status, 200);
    assert.equal((await flow.tenant.introspect(flow.tenant.management, access)).active, false);
    await flow.tenant.advance(DAY * 10);
    assert.equal((await call(`${flow.application.issuer}/userinfo`, { headers })).status, 401);
    assert.equal((await flow.tenant.introspect(flow.application, access)).active, false);
    const { all, scopes } = await usageOf(flow);
    assert.deepEqual([all.tokens_issued, all.uses_seen], [1, 1]);
    assert.ok(scopes.some(({ scope, uses_seen }) => scope === "openid" && uses_seen === 1));

    const { tenant } = flow;
    const path = { realm: tenant.adminRealm.realmId, application: tenant.management.key.applicationId };
    const before = (await succeed(managementClient(tenant)("GetTokenUsage", path))).all.uses_seen;
    const after = (await succeed(managementClient(tenant)("GetTokenUsage", path))).all.uses_seen;
    assert.equal(after, before + 1);
  });

  test("days are of tenant time: today alone, as many as are asked for, and none after ninety", async () => {
    const client = await testClient();
    const { server, tenantId } = client.tenant;
    await issue(client);
    await client.tenant.advance(5 * DAY);
    await issue(client);
    const issued = async (days: string) => (await usageOf(client, days)).all.tokens_issued;
    assert.deepEqual([await issued("1"), await issued("5"), await issued("6")], [1, 1, 2]);
    await client.tenant.advance(84 * DAY);
    assert.deepEqual([await issued("89"), await issued("90")], [1, 2]);
    const ofOwn = `WHERE tenant_id = '${tenantId}' AND application_id = '${client.application.key.applicationId}'`;
    const run = (text: string) => server.deps.database.maintain((session) => session.query(`${text} ${ofOwn}`, []));
    const listDays = async () => new Set((await run("SELECT day FROM token_usage")).map(({ day }) => day)).size;
    await oldCountsJob.run(server.deps);
    assert.equal(await listDays(), 2);
    await run("UPDATE token_usage SET day = day - 1");
    await oldCountsJob.run(server.deps);
    assert.equal(await listDays(), 1);
  });

  test("a server that ends writes what it has counted", async () => {
    const server = await testServer();
    const client = await testClient({ tenant: await testTenant({ server }) });
    await useOften(client, await issue(client), 3);
    const again = await server.restart();
    try {
      const { key } = client.application;
      const today = dayOf(again.deps.clock.nowSeconds());
      const days = { first: today - 1, last: today };
      const usage = await readTokenUsage(again.deps.database.tenants([key.tenantId]), key, days);
      assert.equal(totalOf(usage.get("")?.ages ?? new Map()).count, 3);
    } finally {
      await again.stop();
    }
  });

  test("an application that issued nothing has nothing to say, and one that is not there is not found", async () => {
    const client = await testClient();
    const { all, scopes } = await usageOf(client);
    assert.deepEqual(scopes, []);
    assert.deepEqual(all, {
      tokens_issued: 0,
      uses_seen: 0,
      default_lifetime: DAY,
      no_recommendation: "too_few_uses",
    });
    const api = managementClient(client.tenant);
    const application = "00000000-0000-4000-8000-000000000000";
    assert.equal((await api("GetTokenUsage", { application })).status, 404);
    assert.equal((await api("ApplyTokenUsage", { application, body: {} })).status, 404);
    const { applicationId } = client.application.key;
    for (const days of ["0", "91", "x", "1.5", ""]) {
      assert.equal((await api("GetTokenUsage", { application: applicationId, query: { days } })).status, 400, days);
    }
  });
});

describe("applying a recommendation", () => {
  test("makes it the default lifetime and leaves the ceiling, once, with an event", async () => {
    const client = await testClient();
    await useOften(client, await issue(client));
    await usageOf(client);
    const applied = await apply(client);
    assert.deepEqual(applied.value, {
      application_id: client.application.key.applicationId,
      default_expires_after: 10,
      basis: "recommendation",
    });
    const api = managementClient(client.tenant);
    const path = { application: client.application.key.applicationId };
    const shown = await api("GetApplication", path);
    const { expires_after, default_expires_after } = shown.value.protocol_config.token_configuration;
    assert.deepEqual([expires_after, default_expires_after], [DAY, 10]);
    assert.equal(applied.headers.get("etag"), shown.headers.get("etag"));
    const answer = await client.tenant.token(client.application, { grant_type: "client_credentials" });
    assert.equal(answer.json?.expires_in, 10);
    const again = await apply(client);
    assert.deepEqual([again.status, again.json?.code], [409, "conflict"]);
    assert.match(again.text, /no shorter default lifetime/);
    const filter = 'type eq "ApplicationOperation" and action eq "UPDATE"';
    const { events } = await succeed(api("ListEvents", { query: { filter } }));
    const [event] = events.filter(({ resource }) => resource?.id === path.application);
    assert.equal(event?.payload.default_expires_after, 10);
  });

  test("takes another value that is given, up to the ceiling, and says what was there before", async () => {
    const client = await testClient({ realm: { token_policy: { max_expires_after: 1_800 } } });
    const applied = await apply(client, { default_expires_after: 1_800 });
    assert.deepEqual([applied.value.default_expires_after, applied.value.basis], [1_800, "given"]);
    const lower = await apply(client, { default_expires_after: 300 });
    assert.equal(lower.value.previous_default_expires_after, 1_800);
    const above = await apply(client, { default_expires_after: 1_801 });
    assert.deepEqual(violationsOf(above), ["default_expires_after: is above the ceiling of 1800 seconds"]);
    assert.equal((await apply(client, { default_expires_after: 0 })).status, 400);
  });

  test("is refused where too few uses were seen, where the application was changed meanwhile, and for the built-in one", async () => {
    const client = await testClient();
    await useOften(client, await issue(client), USES_MIN - 1);
    await usageOf(client);
    const few = await apply(client);
    assert.deepEqual([few.status, few.json?.code], [409, "conflict"]);
    assert.match(few.text, /fewer than 100 uses/);
    assert.equal((await apply(client, { default_expires_after: 60 }, { "if-match": '"7"' })).status, 412);
    assert.equal((await apply(client, { default_expires_after: 60 }, { "if-match": '"1"' })).status, 200);
    const { tenant } = client;
    const { realmId: realm, applicationId: application } = tenant.management.key;
    const builtIn = { realm, application, body: { default_expires_after: 60 } };
    assert.equal((await managementClient(tenant)("ApplyTokenUsage", builtIn)).status, 403);
  });

  test("never recommends below the realm's floor", async () => {
    const client = await testClient({ realm: { token_policy: { min_expires_after: 300 } } });
    await useOften(client, await issue(client));
    assert.equal((await usageOf(client)).all.recommended_lifetime, 300);
    await changeTokens(client, { default_expires_after: 300 });
    assert.equal((await usageOf(client)).all.no_recommendation, "nothing_shorter");
  });
});

describe("mayfly token usage", () => {
  test("shows it as a table or JSON, and applies what is recommended or what is said", async () => {
    const client = await testClient();
    const token = await issue(client, { scope: "shoes:read" });
    await useOften(client, token);
    const { management, realm } = client.tenant;
    const user = await cliUser(management);
    const place = ["--realm", realm.realmId, "--application", client.application.key.applicationId];
    const usage = (...more: string[]) => user.run(["token", "usage", ...place, ...more]);
    const shown = JSON.parse((await usage("--days", "1")).stdout);
    assert.deepEqual([shown.days, shown.all.recommended_lifetime], [1, 10]);
    const { stdout: table } = await usage("--output", "table");
    assert.match(table, /^default lifetime +1 day$/m);
    assert.match(table, /^recommended +10 seconds$/m);
    assert.match(table, /^unused exposure +100 % of the token time that was granted$/m);
    assert.match(table, /^later uses +0 of 100$/m);
    assert.match(table, /^shoes:read +1 +1 day +100 +0 seconds +0 seconds +0 seconds +10 seconds$/m);
    const applied = await usage("--apply", "--output", "table");
    assert.match(applied.stdout, /^default lifetime +10 seconds\nbefore +as long as the application's ceiling$/m);
    const again = await usage("--apply");
    assert.deepEqual([again.code, again.stdout], [1, ""]);
    assert.match(again.stderr, /^mayfly: conflict: nothing is recommended/);
    assert.equal(JSON.parse((await usage("--apply", "15m")).stdout).default_expires_after, 900);
    assert.match((await usage("--days", "91")).stderr, /from 1 to 90/);
    assert.match((await usage("--apply", "soon")).stderr, /Write it like 15m/);
  });

  test("says why nothing is recommended", async () => {
    const client = await testClient();
    const user = await cliUser(client.tenant.management);
    const place = ["--realm", client.tenant.realm.realmId, "--application", client.application.key.applicationId];
    const { stdout } = await user.run(["token", "usage", ...place, "--output", "table"]);
    assert.match(stdout, /^recommended +nothing yet: too few uses were seen$/m);
  });
});
