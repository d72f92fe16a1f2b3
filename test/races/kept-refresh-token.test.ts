import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Answer, postForm } from "../support/http.ts";
import { decodeJwt } from "../support/jwt.ts";
import { assertInvalidGrant } from "../support/refusals.ts";
import { type CodeFlow, REFRESH, testCodeFlow, tokensOf } from "../support/test-code-flow.ts";

// `rotate: false`: the one refresh token is kept. Nothing is spent, so that any number of workers may use it at once.

const WORKERS = 100;

function keptFlow(): Promise<CodeFlow> {
  return testCodeFlow({ config: { refresh_token_configuration: { ...REFRESH, rotate: false } } });
}

function atOnce(work: (number: number) => Promise<Answer>): Promise<Answer[]> {
  return Promise.all(Array.from({ length: WORKERS }, (_, number) => work(number)));
}

async function claimsOf({ tenant, application }: CodeFlow, token: string): Promise<unknown> {
  return (await tenant.introspect(application, token)).bi_custom;
}

describe(`${WORKERS} refreshes at once with one refresh token that is kept`, () => {
  test("all succeed, each with an access token of its own, and the token goes on", async () => {
    const flow = await keptFlow();
    const { refresh } = await flow.logIn();
    const tokens = (await atOnce(() => flow.refresh(refresh))).map(tokensOf);
    assert.equal(new Set(tokens.map(({ access }) => access)).size, WORKERS);
    for (const { json } of tokens) assert.ok(!("refresh_token" in json));
    for (const { access } of tokens.slice(0, 5)) {
      assert.equal((await flow.tenant.introspect(flow.application, access)).active, true);
    }
    tokensOf(await flow.refresh(refresh));
  });

  test("may each bring claims of their own: all get theirs, and one of them is remembered", async () => {
    const flow = await keptFlow();
    const { refresh } = await flow.logIn({}, { custom_claims: '{"n":-1}' });
    const answers = await atOnce((n) => flow.refresh(refresh, { custom_claims: JSON.stringify({ n }) }));
    for (const [n, answer] of answers.entries()) {
      assert.deepEqual(decodeJwt(tokensOf(answer).access).bi_custom, { n });
    }
    const carried = tokensOf(await flow.refresh(refresh)).access;
    const { n } = (await claimsOf(flow, carried)) as { n: number };
    assert.ok(Number.isInteger(n) && n >= 0 && n < WORKERS, `remembered ${n}`);
    assert.deepEqual(await claimsOf(flow, tokensOf(await flow.refresh(refresh)).access), { n });
  });
});

test("new claims of a kept refresh token are remembered one after the other", async () => {
  const flow = await keptFlow();
  const { refresh } = await flow.logIn();
  const none = tokensOf(await flow.refresh(refresh)).access;
  assert.equal(await claimsOf(flow, none), undefined);
  for (const a of [1, 2]) {
    tokensOf(await flow.refresh(refresh, { custom_claims: JSON.stringify({ a }) }));
    assert.deepEqual(await claimsOf(flow, tokensOf(await flow.refresh(refresh)).access), { a });
  }
});

describe("a kept refresh token of a revoked grant", () => {
  async function revoke({ application }: CodeFlow, token: string): Promise<void> {
    const { authorization, issuer } = application;
    assert.equal((await postForm(`${issuer}/revoke`, { token }, { authorization })).status, 200);
  }

  test("gives nothing, and tokens that were made while it was revoked are dead", async () => {
    const flow = await keptFlow();
    const { refresh } = await flow.logIn();
    const racing = atOnce(() => flow.refresh(refresh));
    await revoke(flow, refresh);
    assertInvalidGrant(await flow.refresh(refresh));
    for (const answer of await racing) {
      if (answer.status !== 200) assertInvalidGrant(answer);
      else assert.deepEqual(await flow.tenant.introspect(flow.application, tokensOf(answer).access), { active: false });
    }
  });

  test("is refused by the statement that records, too: the revocation may come after the grant was read", async () => {
    const flow = await keptFlow();
    const { tenant } = flow;
    const { refresh } = await flow.logIn();
    tenant.server.sent.length = 0;
    const custom_claims = '{"late":true}';
    tokensOf(await flow.refresh(refresh, { custom_claims }));
    const sent = tenant.server.sent.find(({ statement }) => statement.name === "token.issue");
    assert.ok(sent);
    await revoke(flow, refresh);
    const [row]: readonly Record<string, unknown>[] = JSON.parse(String(sent.values[0]));
    const { database } = tenant.server.deps;
    const text = "SELECT count(*)::integer AS n FROM tokens WHERE tenant_id = $1";
    const count = () => database.maintain((session) => session.query(text, [tenant.tenantId]));
    const before = await count();
    const id = `${String(row?.id).slice(0, -6)}ffffff`;
    const issued = await database
      .tenants([tenant.tenantId])
      .run(sent.statement, [JSON.stringify([{ ...row, id, n: 0 }]), ...sent.values.slice(1)]);
    assert.deepEqual(issued, []);
    assert.deepEqual(await count(), before);
  });
});
