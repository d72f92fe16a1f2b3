import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sha256 } from "../../src/platform/hash.ts";
import { deleteApplication, updateApplicationSecret } from "../../src/resources/application/queries.ts";
import { basic, postForm } from "../support/http.ts";
import { assertRefused } from "../support/refusals.ts";
import { changeTokens, type TestClient, testClient } from "../support/test-client.ts";

// A node decides on configuration that it keeps for two seconds, and the statement that answers judges whether that still holds (rule 7).
// Here it is changed behind the node's back, as another node would, at a moment when it is kept.

const FORM = { grant_type: "client_credentials" };

/** A client whose configuration this node keeps from now on. */
async function keptClient(): Promise<TestClient & { readonly token: string }> {
  const world = await testClient();
  const answer = await world.tenant.token(world.application, FORM);
  assert.equal(answer.status, 200, answer.text);
  return { ...world, token: String(answer.json?.access_token) };
}

/** The header of the client with a new secret, which replaces the old one at once. */
async function rotateSecret({ tenant, application }: TestClient): Promise<string> {
  const db = tenant.server.deps.database.tenants([tenant.tenantId]);
  const secret = tenant.server.deps.random.bytes(32).toString("base64url");
  await updateApplicationSecret(db, application.key, { hash: sha256(secret), sealed: undefined }, 2);
  return basic(application.clientId, secret);
}

describe("what was changed a moment ago holds for the next request", () => {
  test("a lowered lifetime refuses, and a raised one grants", async () => {
    const world = await keptClient();
    const ask = () => world.tenant.token(world.application, { ...FORM, expiration_time: "3600" });
    await changeTokens(world, { expires_after: 60 });
    assertRefused(await ask(), 400, "invalid_request");
    await changeTokens(world, { expires_after: 7_200 });
    const granted = await ask();
    assert.equal(granted.json?.expires_in, 3_600, granted.text);
  });

  test("a lowered lifetime that refuses nobody is the default at once", async () => {
    const world = await keptClient();
    await changeTokens(world, { expires_after: 60 });
    assert.equal((await world.tenant.token(world.application, FORM)).json?.expires_in, 60);
  });

  for (const endpoint of ["token", "introspect", "revoke"]) {
    test(`a rotated secret counts at ${endpoint}, and the old one is dead`, async () => {
      const world = await keptClient();
      const authorization = await rotateSecret(world);
      const form = endpoint === "token" ? FORM : { token: world.token };
      const ask = (header: string) =>
        postForm(`${world.application.issuer}/${endpoint}`, form, { authorization: header });
      assertRefused(await ask(world.application.authorization), 401, "invalid_client");
      const answer = await ask(authorization);
      assert.equal(answer.status, 200, answer.text);
      if (endpoint === "introspect") assert.equal(answer.json?.active, true);
      assertRefused(await ask(world.application.authorization), 401, "invalid_client");
    });

    test(`a deleted application is refused at ${endpoint}`, async () => {
      const world = await keptClient();
      const { tenant, application, token } = world;
      await deleteApplication(tenant.server.deps.database.tenants([tenant.tenantId]), application.key, 2);
      const form = endpoint === "token" ? FORM : { token };
      const { authorization, issuer } = application;
      const answer = await postForm(`${issuer}/${endpoint}`, form, { authorization });
      assertRefused(answer, 404, "invalid_client");
    });
  }
});

test("a hundred requests at once while the lifetime changes all get the one or the other, and the last gets the new one", async () => {
  const world = await keptClient();
  const ask = async () => (await world.tenant.token(world.application, FORM)).json?.expires_in;
  const first = Array.from({ length: 50 }, ask);
  const changed = changeTokens(world, { expires_after: 60 });
  const second = Array.from({ length: 50 }, ask);
  await changed;
  for (const seconds of await Promise.all([...first, ...second]))
    assert.ok(seconds === 60 || seconds === 86_400, String(seconds));
  assert.equal(await ask(), 60);
});
