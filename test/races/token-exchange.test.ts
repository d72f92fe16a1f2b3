import assert from "node:assert/strict";
import { test } from "node:test";
import { TOKEN_EXCHANGE } from "../../src/protocol/token-exchange.ts";
import { type Answer, postForm } from "../support/http.ts";
import { nodeBeside } from "../support/node-beside.ts";
import { assertRefused } from "../support/refusals.ts";
import { type TestClient, testClient } from "../support/test-client.ts";
import { tokensOf } from "../support/test-code-flow.ts";
import { type TestServer, testServer } from "../support/test-server.ts";
import { testTenant } from "../support/test-tenant.ts";
import { ACCESS_TOKEN, CREDENTIALS } from "../support/token-exchange.ts";

// Rules 16 and 17: what is handed on was there, and ends with what it was handed on from, whatever happens at the same time on two nodes.

const RACERS = 200;

interface TwoNodes extends TestClient {
  /** Sends to one of the nodes, in turns. */
  send(path: string, form: Readonly<Record<string, string>>): Promise<Answer>;
}

async function twoNodes(): Promise<{ nodes: TwoNodes; stop: () => Promise<void> }> {
  const first = await testServer();
  const second: TestServer = await nodeBeside(first);
  const stop = async () => {
    if (second !== first) await second.stop();
    await first.stop();
  };
  const tenant = await testTenant({ server: first });
  const client = await testClient({ tenant, config: { token_format: "referential" } });
  const { authorization, issuer } = client.application;
  let turn = 0;
  const send: TwoNodes["send"] = (path, form) => {
    turn += 1;
    const at = turn % 2 === 0 ? issuer : issuer.replace(first.url, second.url);
    return postForm(`${at}${path}`, form, { authorization });
  };
  return { nodes: { ...client, send }, stop };
}

const exchangeOf = (subject_token: string) => ({
  grant_type: TOKEN_EXCHANGE,
  subject_token,
  subject_token_type: ACCESS_TOKEN,
});

test(`of ${RACERS} exchanges at once of a token of 7 uses, exactly 7 uses are handed on`, async (t) => {
  const { nodes, stop } = await twoNodes();
  t.after(stop);
  const { access } = tokensOf(await nodes.send("/token", { ...CREDENTIALS, max_uses: "7" }));
  const answers = await Promise.all(Array.from({ length: RACERS }, () => nodes.send("/token", exchangeOf(access))));
  const given = answers.filter(({ status }) => status === 200);
  assert.deepEqual(
    given.map(({ json }) => json?.max_uses),
    Array.from({ length: 7 }, () => 1),
  );
  for (const answer of answers) if (answer.status !== 200) assertRefused(answer, 400, "invalid_request");
  assert.deepEqual((await nodes.send("/introspect", { token: access })).json, { active: false });
});

test(`of ${RACERS} exchanges at once of a token that has uses for all, each gets what it asked for`, async (t) => {
  const { nodes, stop } = await twoNodes();
  t.after(stop);
  const { access } = tokensOf(await nodes.send("/token", { ...CREDENTIALS, max_uses: "1000" }));
  const asked = (n: number) => ({ ...exchangeOf(access), max_uses: String(1 + (n % 3)) });
  const answers = await Promise.all(Array.from({ length: RACERS }, (_, n) => nodes.send("/token", asked(n))));
  for (const [n, answer] of answers.entries()) assert.equal(answer.json?.max_uses, 1 + (n % 3), answer.text);
  const moved = answers.reduce((sum, { json }) => sum + Number(json?.max_uses), 0);
  assert.equal((await nodes.send("/introspect", { token: access })).json?.uses_left, 1_000 - moved);
});

test("no exchanged token outlives a revocation that comes at the same time", async (t) => {
  const { nodes, stop } = await twoNodes();
  t.after(stop);
  for (let round = 0; round < 10; round += 1) {
    const { access } = tokensOf(await nodes.send("/token", CREDENTIALS));
    const racing = Array.from({ length: 8 }, (_, n) =>
      n === 4 ? nodes.send("/revoke", { token: access }) : nodes.send("/token", exchangeOf(access)),
    );
    const given = (await Promise.all(racing)).flatMap(({ json }) => json?.access_token ?? []);
    for (const token of given) {
      const told = await nodes.send("/introspect", { token: String(token) });
      assert.deepEqual(told.json, { active: false });
    }
  }
});
