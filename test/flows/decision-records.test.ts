import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { realmPath } from "../../src/protocol/client-metadata.ts";
import { type Answer, basic, call, type Form, postForm } from "../support/http.ts";
import { eventually } from "../support/login-flow.ts";
import { assertInvalidClient, assertRefused } from "../support/refusals.ts";
import { authorizeParameters } from "../support/test-browser.ts";
import { type TestClient, testClient } from "../support/test-client.ts";
import { testCodeFlow, tokensOf } from "../support/test-code-flow.ts";
import type { TestTenant } from "../support/test-tenant.ts";

const NOBODY = "00000000-0000-4000-8000-000000000000";

interface Decision {
  readonly kind: string;
  readonly outcome: string;
  readonly application_id?: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

async function decisionsOf(tenant: TestTenant, answer: Answer): Promise<Decision[]> {
  const found = await tenant.manage("GET", `/decisions/${answer.headers.get("x-trace-id")}`);
  return (found.json?.decisions ?? []) as Decision[];
}

/** The one decision of an answer. Refusals are written in groups, a moment after the answer. */
async function decisionOf(tenant: TestTenant, answer: Answer): Promise<Decision> {
  const decisions = await eventually(async () => {
    const found = await decisionsOf(tenant, answer);
    return found.length === 0 ? undefined : found;
  });
  assert.equal(decisions.length, 1, JSON.stringify(decisions));
  return decisions[0] ?? { kind: "", outcome: "", facts: {} };
}

function endpoints({ tenant, application }: TestClient): Readonly<Record<string, string>> {
  return {
    token: `${application.issuer}/token`,
    revoke: `${application.issuer}/revoke`,
    introspect: `${tenant.server.url}${realmPath(application.key)}/introspect`,
    "introspect, by application": `${application.issuer}/introspect`,
    userinfo: `${application.issuer}/userinfo`,
  };
}

async function jtiOf({ tenant, application }: TestClient, token: string): Promise<string> {
  return String((await tenant.introspect(application, token)).jti);
}

describe("a revocation leaves a decision (specification section 5)", () => {
  test("of an access token by its client", async () => {
    const client = await testClient();
    const { authorization, issuer, key } = client.application;
    const { access } = tokensOf(await client.tenant.token(client.application, { grant_type: "client_credentials" }));
    const jti = await jtiOf(client, access);
    const answer = await postForm(`${issuer}/revoke`, { token: access }, { authorization });
    const { facts, ...decision } = await decisionOf(client.tenant, answer);
    assert.deepEqual(
      [decision.kind, decision.outcome, decision.application_id],
      ["revoke", "revoked", key.applicationId],
    );
    assert.deepEqual(facts, { ended: "the access token", token_id: jti, reason: "revoked", by: "its client" });
  });

  test("of a refresh family, by its client and by a bearer of tokens:delete", async () => {
    const flow = await testCodeFlow();
    const { authorization, issuer } = flow.application;
    const bearer = `Bearer ${await flow.tenant.managementToken("tokens:delete")}`;
    const { clientId, key } = flow.tenant.management;
    for (const [by, header] of [
      [{ by: "its client" }, authorization],
      [{ by: "a bearer of tokens:delete", application_id: key.applicationId, subject: clientId }, bearer],
    ] as const) {
      const grant = await flow.grant();
      const { refresh } = tokensOf(await flow.exchange(grant));
      const answer = await postForm(`${issuer}/revoke`, { token: refresh }, { authorization: header });
      const { facts } = await decisionOf(flow.tenant, answer);
      assert.deepEqual(facts, { ended: "the whole family", grant_id: grant.grantId, reason: "revoked", ...by });
    }
  });

  test("by id, of a token and of a family: it names who did it", async () => {
    const flow = await testCodeFlow();
    const grant = await flow.grant();
    const { access } = tokensOf(await flow.exchange(grant));
    const path = `/applications/${flow.application.key.applicationId}/tokens`;
    const by = {
      by: "an administrator",
      application_id: flow.tenant.management.key.applicationId,
      subject: flow.tenant.management.clientId,
      reason: "revoked",
    };
    const jti = await jtiOf(flow, access);
    const one = await decisionOf(flow.tenant, await flow.tenant.manage("DELETE", `${path}/${jti}`));
    assert.deepEqual(one.facts, { ended: "the access token", token_id: jti, ...by });
    const all = await decisionOf(flow.tenant, await flow.tenant.manage("DELETE", `${path}/${grant.grantId}`));
    assert.deepEqual(all.facts, { ended: "the whole family", grant_id: grant.grantId, ...by });
    assert.deepEqual([all.kind, all.outcome], ["revoke", "revoked"]);
  });

  test("that ends nothing leaves none", async () => {
    const client = await testClient();
    const { authorization, issuer, key } = client.application;
    const answers = [
      await postForm(`${issuer}/revoke`, { token: "x" }, { authorization }),
      await client.tenant.manage("DELETE", `/applications/${key.applicationId}/tokens/${"A".repeat(32)}`),
    ];
    for (const answer of answers) {
      assert.equal(answer.status, 200);
      assert.deepEqual(await decisionsOf(client.tenant, answer), []);
    }
  });
});

describe("a refusal leaves a decision", () => {
  for (const name of ["token", "revoke", "introspect", "introspect, by application"]) {
    test(`for credentials that are wrong or missing: ${name}`, async () => {
      const client = await testClient();
      const url = endpoints(client)[name] ?? "";
      const form: Form = { token: "x", grant_type: "client_credentials" };
      const wrong = { authorization: basic(client.application.clientId, "x".repeat(43)) };
      for (const headers of [wrong, {}]) {
        const answer = await postForm(url, form, headers);
        assertInvalidClient(answer);
        const { kind, outcome, facts } = await decisionOf(client.tenant, answer);
        assert.deepEqual([kind, outcome], [name.split(",")[0], "invalid_client"]);
        assert.equal(typeof facts.detail, "string");
      }
    });
  }

  test("for a bearer that is wrong or missing, of userinfo, introspection and revocation", async () => {
    const client = await testClient();
    const { userinfo, introspect, revoke } = endpoints(client);
    const headers = { authorization: "Bearer x" };
    const answers: readonly (readonly [string, Answer])[] = [
      ["userinfo", await call(userinfo ?? "", { headers })],
      ["userinfo", await call(userinfo ?? "")],
      ["introspect", await postForm(introspect ?? "", { token: "x" }, headers)],
      ["revoke", await postForm(revoke ?? "", { token: "x" }, headers)],
    ];
    for (const [expected, answer] of answers) {
      assertRefused(answer, 401, "invalid_token");
      const { kind, outcome } = await decisionOf(client.tenant, answer);
      assert.deepEqual([kind, outcome], [expected, "invalid_token"]);
    }
  });

  test("for a request that is malformed", async () => {
    const client = await testClient();
    const { authorization } = client.application;
    for (const name of ["token", "revoke", "introspect"]) {
      const answer = await postForm(endpoints(client)[name] ?? "", "token=a&token=b&grant_type=x", { authorization });
      assertRefused(answer, 400, "invalid_request");
      assert.equal((await decisionOf(client.tenant, answer)).outcome, "invalid_request");
    }
  });

  test("and none for what names no application or realm of ours", async () => {
    const client = await testClient();
    const { key } = client.application;
    const answers: Answer[] = [];
    for (const url of Object.values(endpoints(client))) {
      for (const id of [key.applicationId, key.realmId]) {
        if (!url.includes(id)) continue;
        const other = url.replace(id, id === key.realmId ? "0000000000000000" : NOBODY);
        const answer = await postForm(other, { token: "x", grant_type: "client_credentials" });
        assert.equal(answer.status, 404, `${other} ${answer.text}`);
        answers.push(answer);
      }
    }
    assert.ok(answers.length >= 8);
    // A refusal that came later is there: then those before it would be, too.
    await decisionOf(client.tenant, await postForm(endpoints(client).token ?? "", { grant_type: "x" }));
    for (const answer of answers) assert.deepEqual(await decisionsOf(client.tenant, answer), []);
    const count = "SELECT count(*)::integer AS n FROM decisions WHERE realm_id = '0000000000000000'";
    const { database } = client.tenant.server.deps;
    assert.deepEqual(await database.maintain((session) => session.query(count)), [{ n: 0 }]);
  });
});

describe("a refusal at authorize whose redirect URI is cut in the middle of a character", () => {
  const target = "https://evil.example/";
  const cut = `${target}${"x".repeat(199 - target.length)}😀`;

  test("is recorded, and so are the refusals around it", async () => {
    const flow = await testCodeFlow();
    const send = (redirect_uri: string): Promise<Answer> => {
      const query = new URLSearchParams(authorizeParameters(flow.application, "v".repeat(43), { redirect_uri }));
      return call(`${flow.application.issuer}/authorize?${query}`);
    };
    const uris = [`${target}before`, cut, `${target}after`, `${cut}${cut}`, `${target}last`];
    const answers = await Promise.all(uris.map(send));
    const decisions = await Promise.all(answers.map((answer) => decisionOf(flow.tenant, answer)));
    for (const [index, { kind, outcome, facts }] of decisions.entries()) {
      assert.deepEqual([kind, outcome], ["authorize", "invalid_request"]);
      assert.equal(facts.redirect_uri, uris[index]?.slice(0, 200).toWellFormed());
    }
  });
});
