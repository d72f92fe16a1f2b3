import assert from "node:assert/strict";
import { test } from "node:test";
import { applicationPath } from "../../src/protocol/client-metadata.ts";
import { type AdminWorld, adminWorld } from "../support/admin-world.ts";
import { listAllEvents } from "../support/events.ts";
import { type Answer, call, postForm } from "../support/http.ts";
import { decodeJwt } from "../support/jwt.ts";
import { assertInvalidClient, assertRefused } from "../support/refusals.ts";
import { testClient } from "../support/test-client.ts";
import { tokensOf } from "../support/test-code-flow.ts";
import { testGrant } from "../support/test-grant.ts";
import type { TestTenant } from "../support/test-tenant.ts";
import { CREDENTIALS } from "../support/token-exchange.ts";

/** A token of the administrator's own login. */
async function logIn({ tenant, console: application, administrator }: AdminWorld): Promise<string> {
  const { code, verifier } = await testGrant(tenant, application, { identityId: administrator });
  const form = { grant_type: "authorization_code", code, code_verifier: verifier };
  return tokensOf(await tenant.token(application, form)).access;
}

/** Who did what an answer's request did, by its event. */
async function actorOf(tenant: TestTenant, answer: Answer): Promise<object | undefined> {
  await tenant.server.app.settled();
  const events = await listAllEvents(tenant, { filter: 'type eq "TokenOperation"' });
  return events.find(({ trace_id }) => trace_id === answer.headers.get("x-trace-id"))?.actor;
}

test("who ends, shortens or previews a token is the event's actor: a person, an application, or who was refused", async () => {
  const world = await adminWorld();
  const { tenant } = world;
  const client = await testClient({ tenant });
  const { issuer, key } = client.application;
  const person = await logIn(world);
  const robot = await tenant.managementToken("tokens:delete tokens:read");
  const weak = await tenant.managementToken("events:read");
  const issue = async () => tokensOf(await tenant.token(client.application, CREDENTIALS)).access;
  const ask = (path: string, form: Record<string, string>) => (bearer: string) =>
    postForm(`${issuer}/${path}`, form, { authorization: `Bearer ${bearer}` });
  const shorten = ask("shorten", { token: await issue(), expiration_time: "60" });
  const revoke = ask("revoke", { token: await issue() });
  const introspect = ask("introspect", { token: "x" });
  const preview = ask("tokens:preview", { ...CREDENTIALS, scope: "unheard-of" });
  const byId = async (bearer: string) =>
    call(`${issuer}/tokens/${decodeJwt(await issue()).jti}`, {
      method: "DELETE",
      headers: { authorization: `Bearer ${bearer}` },
    });
  const admin = { type: "Identity", id: world.administrator };
  const application = { type: "Application", id: tenant.management.key.applicationId };
  assert.notEqual(key.applicationId, application.id);
  for (const [answer, actor] of [
    [await shorten(weak), application],
    [await shorten(person), admin],
    [await shorten(robot), application],
    [await byId(person), admin],
    [await byId(robot), application],
    [await revoke(weak), application],
    [await revoke(person), admin],
    [await ask("revoke", { token: await issue() })(robot), application],
    [await introspect(await tenant.managementToken("tokens:introspect")), application],
    [await introspect(person), admin],
    [await preview(weak), application],
    [await preview(person), admin],
    [await preview(robot), application],
  ] as const)
    assert.deepEqual(await actorOf(tenant, answer), actor, answer.text);
});

test("nobody ends or shortens a token of somebody who holds more, though it is in their hands (rule 1)", async () => {
  const world = await adminWorld();
  const { tenant } = world;
  const weak = `Bearer ${await tenant.managementToken("tokens:delete")}`;
  for (const [{ issuer }, strong] of [
    [tenant.management, await tenant.managementToken()],
    [world.console, await logIn(world)],
  ] as const) {
    const own = { authorization: `Bearer ${strong}` };
    const isAlive = async () =>
      (await call(`${tenant.server.url}/v1/tenants/${tenant.tenantId}/realms`, { headers: own })).status === 200;
    const assertTooStrong = async () => {
      for (const path of ["shorten", "revoke"]) {
        const form = { token: strong, expiration_time: "1" };
        assertRefused(await postForm(`${issuer}/${path}`, form, { authorization: weak }), 403, "insufficient_scope");
      }
    };
    await assertTooStrong();
    assert.equal(await isAlive(), true);
    assert.equal((await postForm(`${issuer}/revoke`, { token: strong }, own)).status, 200);
    assert.equal(await isAlive(), false);
    await assertTooStrong(); // the refusal does not tell whether it lives
  }
});

test("whoever may end tokens does so below the application, though its issuer is the realm", async () => {
  const client = await testClient({ config: { issuer_mode: "realm" } });
  const { tenant, application } = client;
  const { authorization } = application;
  const token = tokensOf(await tenant.token(application, CREDENTIALS)).access;
  const below = `${tenant.server.url}${applicationPath(application.key)}`;
  const bearer = { authorization: `Bearer ${await tenant.managementToken("tokens:delete")}` };
  const shortened = await postForm(`${below}/shorten`, { token, expiration_time: "60" }, bearer);
  assert.equal(shortened.json?.expires_in, 60, shortened.text);
  assert.equal((await postForm(`${below}/revoke`, { token }, bearer)).status, 200);
  assert.deepEqual(await tenant.introspect(application, token), { active: false });
  assertInvalidClient(await postForm(`${below}/revoke`, { token }, { authorization }), 404);
});
