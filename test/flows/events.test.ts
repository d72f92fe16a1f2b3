import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deleteRealm } from "../../src/resources/realm/queries.ts";
import {
  askForEvents,
  eventsOf,
  listAllEvents,
  nextMillisecond,
  recordEvent,
  type ShownEvent,
} from "../support/events.ts";
import { exchange, newAddress, WRONG_CODE } from "../support/login-flow.ts";
import { testLogin } from "../support/test-browser.ts";
import { testClient } from "../support/test-client.ts";
import { testCodeFlow, tokensOf } from "../support/test-code-flow.ts";
import { sharedServer } from "../support/test-server.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

const outline = (event: ShownEvent): string =>
  [event.type, event.action ?? event.outcome ?? "", event.actor.type].filter((part) => part !== "").join(" ");

describe("what happens in a realm is an event", () => {
  test("a granted token, with the lifetime that was asked for and the one that it has", async () => {
    const { tenant, application } = await testClient();
    const form = { grant_type: "client_credentials", expiration_time: "120", scope: "shoes:read" };
    const answer = await tenant.token(application, form);
    const { jti } = await tenant.introspect(application, tokensOf(answer).access);
    const [event, ...others] = await listAllEvents(tenant);
    assert.deepEqual(others, []);
    const { payload, time, ...rest } = event ?? ({} as ShownEvent);
    assert.deepEqual(rest, {
      id: jti,
      tenant_id: tenant.tenantId,
      realm_id: tenant.realm.realmId,
      type: "TokenRequest",
      outcome: "ACCEPTED",
      actor: { type: "Application", id: application.key.applicationId },
      resource: { type: "Token", id: jti },
      correlation_id: answer.headers.get("x-trace-id"),
      trace_id: answer.headers.get("x-trace-id"),
    });
    const { requested, granted } = payload.lifetime as Record<string, unknown>;
    assert.deepEqual([requested, granted], [120, 120]);
    assert.equal(payload.grant_type, "client_credentials");
    assert.equal(payload.scope, "shoes:read");
    assert.ok(Math.abs(Date.parse(time) - tenant.server.deps.clock.nowMs()) < 60_000);
  });

  test("a refusal, with its cause, and who is known to have been refused", async () => {
    const { tenant, application } = await testClient({ tenant: await testTenant() });
    await tenant.token(application, { grant_type: "client_credentials", scope: "nothing:like-it" });
    await nextMillisecond(tenant);
    await tenant.token({ ...application, authorization: "Basic eDp5" }, { grant_type: "client_credentials" });
    await nextMillisecond(tenant);
    await tenant.token(application, { grant_type: "client_credentials", expiration_time: "9000000" });
    const events = await listAllEvents(tenant);
    const { applicationId } = application.key;
    assert.deepEqual(
      events.map(({ type, outcome, actor, payload }) => [type, outcome, actor.type, actor.id, payload.decided]),
      [
        ["TokenRequest", "ERROR", "Application", applicationId, "invalid_scope"],
        ["TokenRequest", "ERROR", "Anonymous", undefined, "invalid_client"],
        ["TokenRequest", "ERROR", "Anonymous", undefined, "invalid_request"],
      ],
    );
    for (const event of events) assert.deepEqual(event.resource, { type: "Application", id: applicationId });
    assert.match(String(events[2]?.payload.detail), /9000000 is above the maximum/);
  });

  test("a login from authorize to its token, under one correlation id", async () => {
    const at = await testCodeFlow({ tenant: await testTenant() });
    const email = newAddress(at.tenant);
    const identityId = await at.tenant.addIdentity(email);
    const login = await testLogin(at.tenant, at.application);
    await login.submit("send", { email });
    await at.tenant.server.app.settled();
    await login.submit("verify", { code: WRONG_CODE });
    const location = await login.finish(await login.submit("verify", { code: "424242" }));
    assert.equal((await exchange(at, login, location)).status, 200);
    const events = await listAllEvents(at.tenant);
    assert.deepEqual(events.map(outline), [
      "AuthorizeRequest ACCEPTED Anonymous",
      "AuthenticationTransaction SUSPEND Anonymous",
      "EmailStatusChange UPDATE Anonymous",
      "AuthenticationTransaction ERROR Anonymous",
      "AuthenticationTransaction RESUME Identity",
      "AuthenticationTransaction COMPLETE:ALLOW Identity",
      "TokenRequest ACCEPTED Identity",
    ]);
    assert.equal(new Set(events.map((event) => event.correlation_id)).size, 1);
    assert.deepEqual(new Set(events.map(({ actor }) => actor.id)), new Set([undefined, identityId]));
  });

  test("an end: of a token, and of a family by a code that came back", async () => {
    const flow = await testCodeFlow({ tenant: await testTenant() });
    const { tenant, application } = flow;
    const grant = await flow.grant();
    const { access } = tokensOf(await flow.exchange(grant));
    await flow.exchange(grant);
    const url = `${application.issuer}/revoke`;
    const other = tokensOf(await flow.exchange(await flow.grant()));
    for (const token of [other.access, other.refresh]) {
      await fetch(url, {
        method: "POST",
        headers: { authorization: application.authorization },
        body: new URLSearchParams({ token }),
      });
    }
    assert.equal((await tenant.introspect(application, access)).active, false);
    const events = await listAllEvents(tenant);
    assert.deepEqual(events.map(outline), [
      "TokenRequest ACCEPTED Identity",
      "TokenRequest ERROR Application",
      "TokenRequest ACCEPTED Identity",
      "TokenOperation DELETE Application",
      "GrantOperation DELETE Application",
      "TokenOperation READ Application",
    ]);
    assert.equal(events[1]?.payload.ended, "the whole family");
    assert.deepEqual(events[3]?.resource, { type: "Token", id: events[2]?.id });
  });

  test("a change, with who made it and the names of what is different", async () => {
    const tenant = await testTenant();
    const { traceId, atMs } = await recordEvent(tenant, { correlationId: "from-the-pipeline" });
    const [event] = await listAllEvents(tenant);
    assert.deepEqual(event, {
      id: event?.id,
      tenant_id: tenant.tenantId,
      realm_id: tenant.realm.realmId,
      time: new Date(atMs).toISOString(),
      type: "V1GroupChange",
      action: "UPDATE",
      actor: { type: "Operator", id: "file" },
      resource: { type: "Group", id: "0123456789abcdef" },
      correlation_id: "from-the-pipeline",
      trace_id: traceId.toString("hex"),
      payload: { changed: ["description"] },
    });
  });

  test("what concerns the tenant as a whole shows in the realm of its administration only", async () => {
    const tenant = await testTenant();
    await recordEvent(tenant, {
      type: "V1TenantChange",
      realmId: "",
      resource: { type: "Tenant", id: tenant.tenantId },
    });
    assert.deepEqual(await listAllEvents(tenant), []);
    const events = await listAllEvents(tenant, {}, tenant.adminRealm);
    const [change] = events.filter(({ type }) => type === "V1TenantChange");
    assert.ok(change, JSON.stringify(events));
    assert.equal(change.realm_id, undefined);
    const found = await askForEvents(tenant, {}, { realm: tenant.adminRealm, id: change.id });
    assert.deepEqual(found.json, change);
    assert.equal((await askForEvents(tenant, {}, { id: change.id })).status, 404);
  });
});

/** Makes so many events of a group like the tenant's only one, each a second later than the one before. */
async function copyEvent({ server, tenantId }: TestTenant, count: number): Promise<void> {
  await server.deps.database.maintain((session) =>
    session.query(
      `INSERT INTO events
       SELECT tenant_id, realm_id, substring(int8send(recorded_at_ms + n * 1000) FROM 3) || substring(id FROM 7), bucket,
         recorded_at_ms + n * 1000, trace_id, 'V1GroupChange', action, outcome, actor_type, actor_id, correlation_id, resource_type,
         resource_id, payload
       FROM events CROSS JOIN generate_series(1, $2::integer) AS n WHERE tenant_id = $1`,
      [tenantId, count],
    ),
  );
}

test("what happened in a realm can be read when the realm is deleted, by those who reach every realm", async () => {
  const tenant = await testTenant();
  await recordEvent(tenant);
  const { database, clock } = tenant.server.deps;
  await deleteRealm(database.tenants([tenant.tenantId]), tenant.realm, clock.nowMs());
  const [event] = await listAllEvents(tenant);
  assert.equal(event?.type, "V1GroupChange");
  assert.deepEqual((await askForEvents(tenant, {}, { id: event.id })).json, event);
});

describe("the list of events", () => {
  /** A tenant with events of every source, made one after the other. */
  async function busyTenant() {
    const { tenant, application } = await testClient({ tenant: await testTenant() });
    for (let round = 0; round < 5; round += 1) {
      await recordEvent(tenant);
      await nextMillisecond(tenant);
      for (const scope of ["shoes:read", "nothing:like-it"]) {
        await tenant.token(application, { grant_type: "client_credentials", scope });
        await nextMillisecond(tenant);
      }
    }
    return tenant;
  }

  test("is chronological, page by page, in both directions, each event once", async () => {
    const tenant = await busyTenant();
    const whole = await listAllEvents(tenant, { page_size: "200" });
    assert.deepEqual(
      whole.map(outline),
      Array.from({ length: 5 }, () => [
        "V1GroupChange UPDATE Operator",
        "TokenRequest ACCEPTED Application",
        "TokenRequest ERROR Application",
      ]).flat(),
    );
    const times = whole.map(({ time }) => time);
    assert.deepEqual(times, times.toSorted());
    for (const page_size of ["1", "2", "4", "15"]) {
      assert.deepEqual(await listAllEvents(tenant, { page_size }), whole);
      const newest = await listAllEvents(tenant, { page_size, order: "newest_first" });
      assert.deepEqual(newest.toReversed(), whole);
    }
  });

  test("is filtered by who, what, when and about which, alike in every table", async () => {
    const tenant = await busyTenant();
    const whole = await listAllEvents(tenant);
    const [change, granted, refused] = whole;
    assert.ok(change && granted && refused);
    const middle = whole[7]?.time ?? "";
    const ids = (events: readonly ShownEvent[]) => events.map(({ id }) => id);
    const cases: readonly [string, (event: ShownEvent) => boolean][] = [
      ['type eq "TokenRequest"', ({ type }) => type === "TokenRequest"],
      ['type eq "tokenrequest" and outcome eq "ERROR"', ({ outcome }) => outcome === "ERROR"],
      ['action eq "UPDATE"', ({ action }) => action === "UPDATE"],
      ["action pr", ({ action }) => action !== undefined],
      ['actor.type ne "Operator"', ({ actor }) => actor.type !== "Operator"],
      [`actor.id eq "${granted.actor.id}"`, ({ actor }) => actor.id === granted.actor.id],
      [`actor[type eq "Operator" and id eq "file"]`, ({ actor }) => actor.type === "Operator"],
      [`resource.id eq "${granted.id}"`, ({ id }) => id === granted.id],
      ['resource.type eq "Application"', ({ outcome }) => outcome === "ERROR"],
      [`correlation_id eq "${granted.correlation_id}"`, ({ id }) => id === granted.id],
      [`trace_id eq "${refused.trace_id}"`, ({ id }) => id === refused.id],
      [`time ge "${middle}"`, ({ time }) => time >= middle],
      [`time lt "${middle}" and not (type eq "V1GroupChange")`, (e) => e.time < middle && e.type !== "V1GroupChange"],
      [`time gt "${middle}" or time eq "${change.time}"`, ({ time }) => time > middle || time === change.time],
      [`type eq "PolicyEvaluation"`, () => false],
    ];
    for (const [filter, isMeant] of cases) {
      const meant = ids(whole.filter(isMeant));
      for (const page_size of ["2", "100"]) {
        assert.deepEqual(ids(await listAllEvents(tenant, { filter, page_size })), meant, filter);
        const newest = await listAllEvents(tenant, { filter, page_size, order: "newest_first" });
        assert.deepEqual(ids(newest.toReversed()), meant, filter);
      }
      const first = await askForEvents(tenant, { filter, page_size: "1" });
      assert.equal(first.json?.total_size, meant.length, filter);
    }
  });

  test("refuses a filter that events cannot answer, by name", async () => {
    const tenant = await testTenant();
    for (const filter of ['colour eq "red"', "type", 'type eq "Nothing"', "time gt 5", 'time gt "yesterday"']) {
      const answer = await askForEvents(tenant, { filter });
      assert.equal(answer.status, 400, filter);
      assert.match(answer.text, /"field":"filter"/);
    }
  });

  test("counts, and goes on only where it was asked for", async () => {
    const tenant = await busyTenant();
    const first = await askForEvents(tenant, { page_size: "2" });
    assert.equal(first.json?.total_size, 15);
    assert.equal(first.headers.get("x-total-size"), null);
    const page_token = String(first.json?.next_page_token);
    const next = await askForEvents(tenant, { page_token });
    assert.equal(eventsOf(next).length, 2, "the page token keeps the size");
    assert.equal(next.json?.total_size, 15);
    const filter = 'type eq "TokenRequest"';
    for (const query of [
      { page_token, filter },
      { page_token, order: "newest_first" },
      { page_token: "x" },
      { page_size: "-1" },
    ]) {
      assert.equal((await askForEvents(tenant, query)).status, 400);
    }
    assert.equal((await askForEvents(tenant, { page_token }, { realm: tenant.adminRealm })).status, 400);
  });

  test("each event is found by its id", async () => {
    const tenant = await busyTenant();
    for (const event of await listAllEvents(tenant)) {
      const found = await askForEvents(tenant, {}, { id: event.id });
      assert.deepEqual(found.json, event);
      assert.equal((await askForEvents(tenant, {}, { id: event.id, realm: tenant.adminRealm })).status, 404);
    }
    for (const id of ["x", "A".repeat(32), "_".repeat(32)]) {
      assert.equal((await askForEvents(tenant, {}, { id })).status, 404);
    }
  });

  test("is exported as lines of JSON, with the way on in a header", async () => {
    const tenant = await busyTenant();
    const whole = await listAllEvents(tenant);
    const accept = "application/x-ndjson, application/json;q=0.1";
    const lines: ShownEvent[] = [];
    let query: Record<string, string> = { page_size: "7" };
    for (;;) {
      const answer = await askForEvents(tenant, query, { accept });
      assert.equal(answer.headers.get("content-type"), "application/x-ndjson; charset=utf-8");
      lines.push(
        ...answer.text
          .split("\n")
          .slice(0, -1)
          .map((line) => JSON.parse(line)),
      );
      const page_token = answer.headers.get("x-next-page-token");
      if (page_token === null) break;
      query = { page_token };
    }
    assert.deepEqual(lines, whole);
    const all = await askForEvents(tenant, {}, { accept });
    assert.equal(all.text.split("\n").length, 16, "fifteen lines, each ended");
    const none = await askForEvents(await testTenant(), {}, { accept });
    assert.deepEqual([none.status, none.text], [200, ""]);
  });

  test("looks at a bounded number of rows a page, and goes on behind them; a time leads straight there", async () => {
    const tenant = await testTenant();
    const { atMs } = await recordEvent(tenant, { type: "IdentityChange" });
    const many = 12_000;
    await copyEvent(tenant, many);
    const filter = 'type eq "IdentityChange"';
    const pages = async (asked: Readonly<Record<string, string>>) => {
      const sizes: number[] = [];
      for (let query = asked; ; ) {
        const answer = await askForEvents(tenant, query);
        sizes.push(eventsOf(answer).length);
        if (answer.json?.next_page_token === undefined) return sizes;
        query = { page_token: String(answer.json.next_page_token) };
      }
    };
    assert.deepEqual(await pages({ filter, order: "newest_first" }), [0, 0, 1]);
    assert.deepEqual(await pages({ filter }), [1, 0, 0]);
    const then = new Date(atMs).toISOString();
    assert.deepEqual(await pages({ filter: `${filter} and time le "${then}"`, order: "newest_first" }), [1]);
    const counted = await askForEvents(tenant, { page_size: "1" });
    assert.equal(counted.json?.total_size, 5_000);
    assert.equal(counted.headers.get("x-total-size"), "estimated");
    const second = await askForEvents(tenant, { page_token: String(counted.json?.next_page_token) });
    assert.equal(second.headers.get("x-total-size"), "estimated");
  });

  test("is for who may read events", async () => {
    const { url } = await sharedServer();
    const tenant = await testTenant();
    const token = await tenant.managementToken("realms:read");
    const answer = await fetch(`${url}/v1/tenants/${tenant.tenantId}/realms/${tenant.realm.realmId}/events`, {
      headers: { authorization: `Bearer ${token}` },
    });
    assert.equal(answer.status, 403);
  });
});
