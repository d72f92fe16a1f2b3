import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { postForm } from "../support/http.ts";
import { decodeJwt } from "../support/jwt.ts";
import { testClient } from "../support/test-client.ts";
import { type CodeFlow, REFRESH, testCodeFlow, tokensOf } from "../support/test-code-flow.ts";
import type { TestApplication } from "../support/test-tenant.ts";
import { addExchanger, CREDENTIALS, exchange } from "../support/token-exchange.ts";

interface Node {
  readonly id: string;
  readonly token_type: string;
  readonly application_id: string;
  readonly grant_type?: string;
  readonly parent_id?: string;
  readonly expires: number;
  readonly alive: boolean;
  readonly cause?: string;
}

const idOf = (access: string) => String(decodeJwt(access).jti);

async function treeOf(
  { tenant }: Pick<CodeFlow, "tenant">,
  { key }: Pick<TestApplication, "key">,
  id: string,
  query = "",
): Promise<{ readonly tokens: readonly Node[]; readonly next_page_token?: string }> {
  const answer = await tenant.manage("GET", `/applications/${key.applicationId}/tokens/${id}/tree${query}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json as { tokens: Node[]; next_page_token?: string };
}

/** The nodes in the order of these ids: time stands still here, and ids are ordered by it. */
function inOrder(tokens: readonly Node[], ids: readonly string[]): readonly Node[] {
  assert.deepEqual(new Set(tokens.map(({ id }) => id)), new Set(ids));
  return tokens.toSorted((one, other) => ids.indexOf(one.id) - ids.indexOf(other.id));
}

/** A login, a refresh, and what two applications made of the first access token. */
async function smallTree() {
  const flow = await testCodeFlow();
  const { tenant, application } = flow;
  const api = await addExchanger(flow);
  const grant = await flow.grant();
  const first = tokensOf(await flow.exchange(grant));
  const child = tokensOf(await exchange(tenant, application, first.access, { expiration_time: "600" })).access;
  const handed = tokensOf(await exchange(tenant, api, first.access)).access;
  const grandchild = tokensOf(await exchange(tenant, api, handed, { expiration_time: "60" })).access;
  const second = tokensOf(await flow.refresh(first.refresh));
  const ids = [first.access, child, handed, grandchild, second.access].map(idOf);
  return { flow, api, grantId: grant.grantId, ids, tokens: { first, child, handed, grandchild, second } };
}

describe("the tree of what descends from a token", () => {
  test("of a grant: kinds, parents, applications and ends", async () => {
    const { flow, api, grantId, ids } = await smallTree();
    const found = (await treeOf(flow, flow.application, grantId)).tokens;
    assert.equal(found[0]?.id, grantId);
    const tokens = inOrder(found, [grantId, ...ids]);
    assert.deepEqual(
      tokens.map(({ parent_id }) => parent_id),
      [undefined, grantId, ids[0], ids[0], ids[2], grantId],
    );
    assert.ok(tokens.every(({ alive, cause }) => alive && cause === undefined));
    const [own, foreign] = [flow.application.key.applicationId, api.key.applicationId];
    assert.deepEqual(
      tokens.map(({ application_id }) => application_id),
      [own, own, own, foreign, foreign, own],
    );
    const exchanged = "urn:ietf:params:oauth:grant-type:token-exchange";
    assert.deepEqual(
      tokens.map(({ token_type, grant_type }) => grant_type ?? token_type),
      ["refresh", "authorization_code", exchanged, exchanged, exchanged, "refresh_token"],
    );
    assert.deepEqual(
      tokens.slice(2, 5).map(({ expires }) => expires - (tokens[1]?.expires ?? 0)),
      [600 - 86_400, 0, 60 - 86_400],
    );
  });

  test("of a grant: it ends with its refresh token, as introspection says", async () => {
    const { flow, grantId, tokens } = await smallTree();
    const refresh = tokens.second.refresh;
    const told = await flow.tenant.introspect(flow.application, refresh);
    const root = async () => (await treeOf(flow, flow.application, grantId)).tokens[0];
    assert.partialDeepStrictEqual(await root(), { expires: told.exp, alive: true });
    await flow.tenant.advance(REFRESH.absolute_duration);
    assert.equal((await flow.tenant.introspect(flow.application, refresh)).active, false);
    assert.partialDeepStrictEqual(await root(), { expires: told.exp, alive: false, cause: "expired" });
  });

  test("of one that was shortened to end before it begins", async () => {
    const client = await testClient();
    const { tenant, application } = client;
    const { iat } = decodeJwt(tokensOf(await tenant.token(application, CREDENTIALS)).access);
    const later = { not_before: String(Number(iat) + 600), expiration_time: "60" };
    const { access: token } = tokensOf(await tenant.token(application, { ...CREDENTIALS, ...later }));
    const causeOf = async () => (await treeOf(client, application, idOf(token))).tokens[0]?.cause;
    assert.equal(await causeOf(), "not valid yet");
    const { authorization, issuer } = application;
    await postForm(`${issuer}/shorten`, { token, expiration_time: "300" }, { authorization });
    assert.equal(await causeOf(), "it was shortened to end before it begins");
  });

  test("of a token among others: itself and what is below it, of a leaf itself alone", async () => {
    const { flow, api, ids, tokens } = await smallTree();
    const assertTree = async (application: TestApplication, access: string, below: readonly string[]) => {
      const found = (await treeOf(flow, application, idOf(access))).tokens;
      assert.equal(found[0]?.id, idOf(access));
      inOrder(found, below);
    };
    await assertTree(flow.application, tokens.first.access, ids.slice(0, 4));
    await assertTree(api, tokens.handed, ids.slice(2, 4));
    await assertTree(api, tokens.grandchild, ids.slice(3, 4));
    await assertTree(flow.application, tokens.second.access, ids.slice(4));
  });

  test("of a plain token, page by page", async () => {
    const client = await testClient();
    const { tenant, application } = client;
    const top = tokensOf(await tenant.token(application, CREDENTIALS)).access;
    const ids = [idOf(top)];
    for (let n = 0; n < 5; n += 1) ids.push(idOf(tokensOf(await exchange(tenant, application, top)).access));
    const seen: string[] = [];
    let query = "?page_size=2";
    for (let page = 0; page < 4 && query !== ""; page += 1) {
      const { tokens, next_page_token: next } = await treeOf(client, application, idOf(top), query);
      assert.ok(tokens.length <= 3);
      seen.push(...tokens.map(({ id }) => id));
      query = next === undefined ? "" : `?page_token=${next}`;
    }
    assert.equal(seen.length, ids.length);
    assert.deepEqual(new Set(seen), new Set(ids));
    for (const wrong of ["?page_size=x", "?page_token=x", "?filter=x"]) {
      const path = `/applications/${application.key.applicationId}/tokens/${idOf(top)}/tree${wrong}`;
      assert.equal((await tenant.manage("GET", path)).status, 400, wrong);
    }
  });

  test("is not found under another application, or another tenant, or where no row can be", async () => {
    const { flow, grantId, tokens } = await smallTree();
    const other = await testClient({ tenant: flow.tenant, server: flow.resourceServer });
    const elsewhere = await testClient();
    for (const { tenant, application } of [other, elsewhere]) {
      for (const id of [grantId, idOf(tokens.first.access), "x", "A".repeat(32), "%00"]) {
        const path = `/applications/${application.key.applicationId}/tokens/${id}/tree`;
        assert.equal((await tenant.manage("GET", path)).status, 404, id);
      }
    }
  });
});

describe("what a revocation takes with it (rule 13)", () => {
  const alive = async (made: Awaited<ReturnType<typeof smallTree>>) => {
    const { tokens } = await treeOf(made.flow, made.flow.application, made.grantId);
    return inOrder(tokens, [made.grantId, ...made.ids]).map((one) => (one.alive ? "alive" : one.cause));
  };
  const introspect = async ({ flow, api, tokens }: Awaited<ReturnType<typeof smallTree>>) => {
    const { first, child, handed, grandchild, second } = tokens;
    const own = [first.access, child, second.access].map((token) => flow.tenant.introspect(flow.application, token));
    const foreign = [handed, grandchild].map((token) => flow.tenant.introspect(api, token));
    return (await Promise.all([...own, ...foreign])).map(({ active }) => active);
  };
  const end = async ({ flow }: Awaited<ReturnType<typeof smallTree>>, id: string) => {
    const path = `/applications/${flow.application.key.applicationId}/tokens/${id}`;
    assert.equal((await flow.tenant.manage("DELETE", path)).status, 200);
  };

  test("an access token takes what was exchanged from it, and not its family", async () => {
    const made = await smallTree();
    await end(made, made.ids[0] ?? "");
    const ended = "a token that it was exchanged from has ended";
    assert.deepEqual(await alive(made), ["alive", "revoked", ended, ended, ended, "alive"]);
    assert.deepEqual(await introspect(made), [false, false, true, false, false]);
    tokensOf(await made.flow.refresh(made.tokens.second.refresh));
  });

  test("one in the middle takes what is below it", async () => {
    const made = await smallTree();
    const { flow, api, tokens } = made;
    const path = `/applications/${api.key.applicationId}/tokens/${idOf(tokens.handed)}`;
    assert.equal((await flow.tenant.manage("DELETE", path)).status, 200);
    assert.deepEqual(await introspect(made), [true, true, true, false, false]);
  });

  test("a refresh token or its grant takes all", async () => {
    const made = await smallTree();
    await end(made, made.grantId);
    const grant = "its grant was revoked";
    assert.deepEqual(await alive(made), ["revoked", grant, grant, grant, grant, grant]);
    assert.deepEqual(await introspect(made), [false, false, false, false, false]);
  });

  test("an application or a person that goes takes what it has part in", async () => {
    const made = await smallTree();
    const { flow, api } = made;
    const path = `/applications/${api.key.applicationId}`;
    assert.equal((await flow.tenant.manage("DELETE", path)).status, 200);
    assert.deepEqual((await alive(made)).slice(3, 5), ["its application was deleted", "its application was deleted"]);
    const left = [made.tokens.first.access, made.tokens.child, made.tokens.second.access];
    const told = await Promise.all(left.map((token) => flow.tenant.introspect(flow.application, token)));
    assert.deepEqual(
      told.map(({ active }) => active),
      [true, true, true],
    );
    await flow.tenant.manage("PATCH", `/identities/${flow.identityId}`, { identity: { status: "suspended" } });
    assert.equal((await alive(made))[2], "its identity is suspended or deleted");
  });
});
