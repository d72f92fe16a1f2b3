import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { realmPath } from "../../src/protocol/client-metadata.ts";
import { type Answer, basic, call, postForm } from "../support/http.ts";
import { assertInvalidGrant } from "../support/refusals.ts";
import { type TestClient, testClient } from "../support/test-client.ts";
import { testCodeFlow, tokensOf } from "../support/test-code-flow.ts";
import { testTenant } from "../support/test-tenant.ts";

interface Decision {
  readonly kind: string;
  readonly outcome: string;
  readonly application_id: string;
  readonly time: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly [member: string]: unknown;
}

function traceOf(answer: Answer): string {
  return answer.headers.get("x-trace-id") ?? "";
}

async function decisionOf({ tenant }: Pick<TestClient, "tenant">, answer: Answer): Promise<Decision> {
  const found = await tenant.manage("GET", `/decisions/${traceOf(answer)}`);
  assert.equal(found.status, 200, found.text);
  assert.equal(found.json?.trace_id, traceOf(answer));
  const decisions = found.json?.decisions as Decision[];
  assert.equal(decisions.length, 1, found.text);
  return decisions[0] ?? ({} as Decision);
}

describe("the decision of a granted token", () => {
  test("is found by its trace id, with every ceiling in order and the one that won", async () => {
    const client = await testClient({
      realm: { token_policy: { max_expires_after: 7200, min_expires_after: 10 } },
      resourceServer: {
        token_policy: { max_expires_after: 3600 },
        scope_policies: [{ scope: "shoes:write", max_expires_after: 1800 }],
      },
      tokens: { over_limit: "clamp" },
    });
    const form = { grant_type: "client_credentials", expiration_time: "9000", scope: "shoes:write boots:read" };
    const answer = await client.tenant.token(client.application, form);
    const decision = await decisionOf(client, answer);
    const { jti } = await client.tenant.introspect(client.application, tokensOf(answer).access);
    assert.equal(decision.outcome, "granted");
    assert.equal(decision.kind, "token");
    assert.equal(decision.token_id, jti);
    assert.equal(decision.grant_type, "client_credentials");
    assert.equal(decision.application_id, client.application.key.applicationId);
    assert.deepEqual(decision.facts.scopes_dropped, [{ scope: "boots:read", rule: "allowed_scopes" }]);
    const { ledger, ...lifetime } = decision.facts.lifetime as { ledger: Record<string, unknown> };
    const said = {
      requested: 9000,
      granted: 1800,
      maximum: 1800,
      mode: "clamped",
      limited_by: "scope",
      scope: "shoes:write",
    };
    assert.deepEqual(lifetime, said);
    assert.deepEqual(ledger, {
      ceilings: [
        { name: "application", seconds: 86_400, won: false },
        { name: "resource_server", seconds: 3600, won: false },
        { name: "scope", seconds: 1800, scope: "shoes:write", won: true },
        { name: "realm", seconds: 7200, won: false },
      ],
      floor_seconds: 10,
      over_limit: "clamp",
      basis: "requested",
      basis_seconds: 9000,
      lowered: true,
    });
  });

  test("of a code and of a refresh names the grant, and which redirect URI and PKCE method were compared", async () => {
    const flow = await testCodeFlow();
    const grant = await flow.grant({ redirectUri: "https://client.example/callback?tenant=secret" });
    const exchanged = await flow.exchange(grant);
    const decision = await decisionOf(flow, exchanged);
    assert.equal(decision.facts.grant_id, grant.grantId);
    assert.equal(decision.facts.redirect_uri, "https://client.example/callback", "without its query (rule 24)");
    assert.equal(decision.facts.pkce, "S256");
    const refreshed = await decisionOf(flow, await flow.refresh(tokensOf(exchanged).refresh));
    assert.equal(refreshed.facts.grant_id, grant.grantId);
    assert.equal(refreshed.facts.generation, 1);
  });
});

describe("the decision of a refusal", () => {
  test("tells the cause that the wire does not", async () => {
    const flow = await testCodeFlow();
    const grant = await flow.grant();
    const causes: string[] = [];
    for (const form of [
      { code_verifier: "x".repeat(43) },
      { redirect_uri: "https://client.example/other" },
      { code: "x" },
    ]) {
      const answer = await flow.exchange(grant, form);
      assertInvalidGrant(answer);
      const { outcome, facts, application_id } = await decisionOf(flow, answer);
      assert.equal(outcome, "invalid_grant");
      assert.equal(application_id, flow.application.key.applicationId);
      causes.push(String(facts.detail));
    }
    assert.deepEqual(causes, [
      "code_verifier does not match code_challenge",
      "redirect_uri differs from the one sent to authorize",
      "the code is not one of ours",
    ]);
  });

  test("for a lifetime has the whole ledger", async () => {
    const client = await testClient();
    const form = { grant_type: "client_credentials", expiration_time: "86401" };
    const { facts } = await decisionOf(client, await client.tenant.token(client.application, form));
    const { ledger, ...lifetime } = facts.lifetime as { ledger: Record<string, unknown> };
    assert.deepEqual(lifetime, {
      requested: 86_401,
      maximum: 86_400,
      limited_by: "application",
      reason: "above_ceiling",
    });
    assert.deepEqual(ledger.ceilings, [{ name: "application", seconds: 86_400, won: true }]);
  });

  test("of an introspection says why the answer was inactive", async () => {
    const client = await testClient();
    const { access } = tokensOf(await client.tenant.token(client.application, { grant_type: "client_credentials" }));
    await client.tenant.advance(86_400);
    const url = `${client.tenant.server.url}${realmPath(client.application.key)}/introspect`;
    const answer = await postForm(url, { token: access }, { authorization: client.application.authorization });
    assert.deepEqual(answer.json, { active: false });
    const { kind, outcome, facts } = await decisionOf(client, answer);
    assert.deepEqual([kind, outcome, facts.cause], ["introspect", "inactive", "expired"]);
  });

  test("about an application that there is not leaves no row behind", async () => {
    const client = await testClient();
    const { issuer, key } = client.application;
    const url = `${issuer.replace(key.applicationId, "00000000-0000-4000-8000-000000000000")}/token`;
    const answer = await postForm(url, { grant_type: "client_credentials" });
    assert.equal(answer.status, 404, answer.text);
    assert.equal((await client.tenant.manage("GET", `/decisions/${traceOf(answer)}`)).status, 404);
  });

  test("by reuse is recorded with the change that it made", async () => {
    const flow = await testCodeFlow();
    const grant = await flow.grant();
    tokensOf(await flow.exchange(grant));
    const answer = await flow.exchange(grant);
    const { outcome, facts } = await decisionOf(flow, answer);
    assert.equal(outcome, "invalid_grant");
    assert.equal(facts.reason, "code_reuse");
    assert.equal(facts.grant_id, grant.grantId);
    assert.equal(facts.ended, "the whole family");
    assert.match(String(facts.detail), /^the code was used before, at \d+$/);
  });
});

describe("who may read decisions (rule 24)", () => {
  for (const scope of ["shoes:read", "boots:read"]) {
    test(`a bearer of events:read, in the realm where it was decided (a request for ${scope})`, async () => {
      const client = await testClient();
      const { tenant } = client;
      const answer = await tenant.token(client.application, { grant_type: "client_credentials", scope });
      const read = async (realm: { tenantId: string; realmId: string }, token: string) => {
        const url = `${tenant.server.url}${realmPath(realm)}/decisions/${traceOf(answer)}`;
        return (await call(url, { headers: { authorization: `Bearer ${token}` } })).status;
      };
      assert.equal(await read(tenant.realm, await tenant.managementToken("events:read")), 200);
      assert.equal(await read(tenant.realm, await tenant.managementToken("tokens:read")), 403);
      assert.equal(await read(tenant.adminRealm, await tenant.managementToken()), 404);
      const other = await testTenant({ server: tenant.server });
      assert.equal(await read(tenant.realm, await other.managementToken()), 403);
      assert.equal(await read(other.realm, await other.managementToken()), 404);
    });
  }

  test("what is no trace id, or nobody's, is not found", async () => {
    const { tenant } = await testClient();
    for (const id of ["x", "0".repeat(32), "0".repeat(31), "G".repeat(32), "%00", "a".repeat(150)]) {
      const answer = await tenant.manage("GET", `/decisions/${id}`);
      assert.equal(answer.status, 404, answer.text);
      assert.equal(answer.json?.code, "not_found");
    }
  });

  test("a trace id is always ours, whatever a client sends", async () => {
    const { application } = await testClient();
    const sent = "00000000000000000000000000000000";
    const headers = { authorization: application.authorization, "x-trace-id": sent, "x-request-id": sent };
    const answer = await postForm(`${application.issuer}/token`, { grant_type: "client_credentials" }, headers);
    assert.match(traceOf(answer), /^[0-9a-f]{32}$/);
    assert.notEqual(traceOf(answer), sent);
  });
});

describe("no decision holds a secret, a token or a code (specification section 5)", () => {
  test("of what was sent in the right place", async () => {
    const flow = await testCodeFlow();
    const grant = await flow.grant({ nonce: "nonce-nonce-nonce" });
    const exchanged = await flow.exchange(grant, { custom_claims: '{"a":"custom-secret"}' });
    const { access, refresh, idToken } = tokensOf(exchanged);
    const refreshed = await flow.refresh(refresh);
    const again = await flow.exchange(grant);
    const secrets = [
      grant.code,
      grant.verifier,
      access,
      refresh,
      idToken,
      flow.application.clientSecret,
      "custom-secret",
      "nonce-nonce",
    ];
    for (const answer of [exchanged, refreshed, again]) {
      const text = JSON.stringify(await decisionOf(flow, answer));
      for (const secret of secrets) assert.ok(!text.includes(secret), `${secret.slice(0, 12)} in ${text}`);
    }
  });

  test("of what was sent in a wrong place", async () => {
    const client = await testClient();
    const { application, tenant } = client;
    const url = `${application.issuer}/token`;
    const { authorization, clientSecret, clientId } = application;
    const secret = clientSecret;
    const cc = { grant_type: "client_credentials" };
    const answers = [
      await postForm(url, cc, { authorization: secret }),
      await postForm(url, cc, { authorization: `Token ${secret}` }),
      await postForm(url, { grant_type: secret }, { authorization }),
      await postForm(url, { ...cc, expiration_time: secret }, { authorization }),
      await postForm(url, { ...cc, [secret]: "1" }, { authorization }),
      await postForm(url, `grant_type=x&${secret}=1&${secret}=2`, { authorization }),
      await postForm(url, { ...cc, custom_claims: secret }, { authorization }),
      await postForm(url, cc, { authorization: basic(secret, clientId) }),
      await postForm(url, { ...cc, client_id: secret }, { authorization }),
      await postForm(`${url}?client_secret=${secret}`, { grant_type: "x" }, { authorization }),
    ];
    for (const [index, answer] of answers.entries()) {
      const text = JSON.stringify(await decisionOf({ tenant }, answer));
      assert.ok(!text.includes(secret), `request ${index}: ${text}`);
    }
  });

  test("and what it repeats of a client's input is cut to 200 characters (rule 24)", async () => {
    const client = await testClient();
    const long = "x".repeat(5_000);
    for (const scope of [long, `shoes:read ${long}`]) {
      const answer = await client.tenant.token(client.application, { grant_type: "client_credentials", scope });
      const text = JSON.stringify(await decisionOf(client, answer));
      assert.ok(text.includes("x".repeat(200)) && !text.includes("x".repeat(201)), text.slice(0, 300));
    }
  });
});
