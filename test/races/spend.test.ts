import assert from "node:assert/strict";
import { test } from "node:test";
import { createKeyStore } from "../../src/keys/key-store.ts";
import { hexId } from "../../src/platform/random.ts";
import { SIBLINGS_MAX } from "../../src/protocol/family.ts";
import { parseRefreshToken } from "../../src/protocol/opaque-token.ts";
import { type GrantFacts, readGrants } from "../../src/resources/grant/queries.ts";
import { listSigningKeys } from "../../src/resources/signing-key/queries.ts";
import type { Answer } from "../support/http.ts";
import { postForm } from "../support/http.ts";
import { assertInvalidGrant } from "../support/refusals.ts";
import { openScratchDatabase } from "../support/scratch-database.ts";
import { testClient } from "../support/test-client.ts";
import { type CodeFlow, REFRESH, testCodeFlow, tokensOf } from "../support/test-code-flow.ts";
import { testGrant } from "../support/test-grant.ts";

const RACERS = 200;
const PAIRS = 200;

function race(send: () => Promise<Answer>): Promise<Answer[]> {
  return Promise.all(Array.from({ length: RACERS }, send));
}

/** The winners of a race; all others must have been told `invalid_grant`. */
function winnersOf(answers: readonly Answer[]): Answer[] {
  const winners = answers.filter(({ status }) => status === 200);
  for (const answer of answers) if (answer.status !== 200) assertInvalidGrant(answer);
  return winners;
}

function onlyOne(answers: readonly Answer[]): Answer {
  const [winner, ...others] = winnersOf(answers);
  assert.ok(winner, "nobody won");
  assert.equal(others.length, 0, `${others.length + 1} won`);
  return winner;
}

async function assertDead(flow: CodeFlow, answer: Answer): Promise<void> {
  const { access, refresh } = tokensOf(answer);
  assert.deepEqual(await flow.tenant.introspect(flow.application, access), { active: false });
  assert.deepEqual(await flow.tenant.introspect(flow.application, refresh), { active: false });
  assertInvalidGrant(await flow.refresh(refresh));
}

async function readGrant({ tenant }: CodeFlow, id: string): Promise<GrantFacts> {
  const [grant] = await readGrants(tenant.server.deps.database.tenants([tenant.tenantId]), [{ ...tenant.realm, id }]);
  assert.ok(grant);
  return grant;
}

function grantIdOf(refreshToken: string): string {
  const parsed = parseRefreshToken(refreshToken);
  assert.ok(parsed);
  return parsed.id;
}

for (const token_format of ["self_contained", "referential"] as const) {
  test(`${RACERS} requests at once spend a code once, and the reuse ends what the winner got (${token_format})`, async () => {
    const flow = await testCodeFlow({ config: { token_format } });
    const grant = await flow.grant();
    const winner = onlyOne(await race(() => flow.exchange(grant)));
    await assertDead(flow, winner);
    assert.ok((await readGrant(flow, grant.grantId)).revokedAt);
  });
}

test(`${RACERS} requests at once spend a refresh token once where there is no grace window, and the family dies`, async () => {
  const config = { refresh_token_configuration: { ...REFRESH, grace_seconds: 0 } };
  const flow = await testCodeFlow({ config });
  const first = await flow.logIn();
  const winner = onlyOne(await race(() => flow.refresh(first.refresh)));
  await assertDead(flow, winner);
  assert.deepEqual(await flow.tenant.introspect(flow.application, first.access), { active: false });
});

test(`${RACERS} requests at once get at most eight siblings in the grace window, and all unspent tokens have one parent`, async () => {
  const flow = await testCodeFlow();
  const first = await flow.logIn();
  const winners = winnersOf(await race(() => flow.refresh(first.refresh)));
  assert.equal(winners.length, SIBLINGS_MAX);
  const id = grantIdOf(first.refresh);
  const grant = await readGrant(flow, id);
  // Rule 3's law, as the row says it: one generation, whose tokens all have the one parent that was raced for.
  assert.equal(grant.generation, 2);
  assert.equal(grant.siblings.length, SIBLINGS_MAX);
  assert.equal(grant.revokedAt, undefined);
  for (const winner of winners) {
    assert.equal((await flow.tenant.introspect(flow.application, tokensOf(winner).refresh)).active, true);
  }
  assert.deepEqual(await flow.tenant.introspect(flow.application, first.refresh), { active: false });
});

test("siblings that are all used at once leave one generation alive, or none", async () => {
  const flow = await testCodeFlow();
  const first = await flow.logIn();
  const siblings = winnersOf(await race(() => flow.refresh(first.refresh))).map((answer) => tokensOf(answer).refresh);
  const uses = await Promise.all(
    siblings.flatMap((token) => [token, token, token]).map((token) => flow.refresh(token)),
  );
  winnersOf(uses);
  const grant = await readGrant(flow, grantIdOf(first.refresh));
  // The first use of one spends the others; presenting one of those kills the family (rule 3).
  assert.ok(grant.revokedAt);
  for (const token of siblings) assertInvalidGrant(await flow.refresh(token));
});

test("the owner and a thief who both go on kill the family", async () => {
  const flow = await testCodeFlow();
  const first = await flow.logIn();
  const [owner, thief] = (await Promise.all([flow.refresh(first.refresh), flow.refresh(first.refresh)])).map(tokensOf);
  assert.ok(owner && thief);
  const next = tokensOf(await flow.refresh(owner.refresh));
  assertInvalidGrant(await flow.refresh(thief.refresh));
  assertInvalidGrant(await flow.refresh(next.refresh));
  for (const token of [first.access, owner.access, thief.access, next.access]) {
    assert.deepEqual(await flow.tenant.introspect(flow.application, token), { active: false });
  }
});

test("codes of many people that are raced for at once are each spent once", async () => {
  const flow = await testCodeFlow();
  const grants = await Promise.all(Array.from({ length: 25 }, () => testGrant(flow.tenant, flow.application)));
  const races = await Promise.all(
    grants.map((grant) => Promise.all(Array.from({ length: 8 }, () => flow.exchange(grant)))),
  );
  for (const answers of races) onlyOne(answers);
});

test("two nodes that both want a realm's first key make one, and sign with it", async () => {
  const { database, secondNode } = await openScratchDatabase();
  const { tenant } = await testClient();
  const { deps } = tenant.server;
  const now = deps.clock.nowSeconds();
  for (const algorithm of ["ES256", "RS256"] as const) {
    const realm = { tenantId: hexId(deps.random), realmId: hexId(deps.random) };
    const stores = [database, secondNode].map((node) => createKeyStore({ ...deps, database: node }));
    const asked = stores.flatMap((store) => [
      store.signingKey(realm, algorithm, now),
      store.jwks(realm, now).then(() => store.signingKey(realm, algorithm, now)),
    ]);
    const keys = await Promise.all(asked);
    const rows = await listSigningKeys(database.tenants([realm.tenantId]), realm);
    const ofAlgorithm = rows.filter((row) => row.algorithm === algorithm);
    assert.equal(ofAlgorithm.length, 1);
    const published = await Promise.all(stores.map(async (store) => (await store.jwks(realm, now)).body));
    assert.equal(published[0], published[1]);
    for (const { keyId } of keys) assert.ok(published[0]?.includes(keyId), "a key signs that is not published");
    assert.equal(new Set(keys.map(({ keyId }) => keyId)).size, 1);
  }
});

test(`once /revoke has answered, a token is never active: ${PAIRS} pairs at once`, async () => {
  const { tenant, application } = await testClient();
  const authorization = { authorization: application.authorization };
  const answers = await Promise.all(
    Array.from({ length: PAIRS }, () => tenant.token(application, { grant_type: "client_credentials" })),
  );
  const pairs = answers.map(async (answer) => {
    const token = String(answer.json?.access_token);
    // Others ask all the while: what they were told before must not be what is told after.
    const before = tenant.introspect(application, token);
    const revoked = await postForm(`${application.issuer}/revoke`, { token }, authorization);
    assert.equal(revoked.status, 200);
    const after = await Promise.all([tenant.introspect(application, token), tenant.introspect(application, token)]);
    await before;
    return after;
  });
  for (const after of await Promise.all(pairs)) assert.deepEqual(after, [{ active: false }, { active: false }]);
});
