import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Answer } from "../support/http.ts";
import { assertInvalidGrant, violatedFields } from "../support/refusals.ts";
import { type TestClient, testClient } from "../support/test-client.ts";
import { testCodeFlow, tokensOf } from "../support/test-code-flow.ts";

interface ListedToken {
  readonly id: string;
  readonly token_type: string;
  readonly token_suffix: string;
  readonly token_format: string;
  readonly display_name: string;
  readonly scopes: readonly string[];
  readonly expires: number;
  readonly issued_at: number;
}

function pathOf({ application }: TestClient): string {
  return `/applications/${application.key.applicationId}/tokens`;
}

async function list(client: TestClient, query = ""): Promise<{ answer: Answer; tokens: ListedToken[]; next: string }> {
  const answer = await client.tenant.manage("GET", `${pathOf(client)}${query}`);
  assert.equal(answer.status, 200, answer.text);
  const tokens = answer.json?.tokens as ListedToken[];
  return { answer, tokens, next: String(answer.json?.next_page_token ?? "") };
}

async function issue({ tenant, application }: TestClient, form: Record<string, string> = {}): Promise<string> {
  return tokensOf(await tenant.token(application, { grant_type: "client_credentials", ...form })).access;
}

function assertViolation(answer: Answer, field: string): void {
  assert.deepEqual(violatedFields(answer), [field], answer.text);
}

describe("a listed token", () => {
  test("shows its name, scopes, times and last characters, and never itself", async () => {
    const client = await testClient();
    const token = await issue(client, { scope: "shoes:read", expiration_time: "900", token_name: "nightly job" });
    const { answer, tokens } = await list(client);
    const { id, issued_at, ...rest } = tokens[0] ?? ({} as ListedToken);
    const facts = await client.tenant.introspect(client.application, token);
    assert.equal(id, facts.jti);
    assert.deepEqual(rest, {
      display_name: "nightly job",
      scopes: ["shoes:read"],
      token_suffix: token.slice(-11),
      token_format: "self_contained",
      expires: issued_at + 900,
      token_type: "access",
    });
    assert.ok(!answer.text.includes(token));
    assert.deepEqual(Object.keys(answer.json ?? {}), ["tokens", "total_size"]);
  });

  test("is live: expired and revoked ones are gone, and counted no more", async () => {
    const client = await testClient();
    await issue(client, { expiration_time: "60" });
    const revoked = await issue(client);
    await issue(client);
    assert.equal((await list(client)).answer.json?.total_size, 3);
    await client.tenant.advance(60);
    const { jti } = await client.tenant.introspect(client.application, revoked);
    await client.tenant.manage("DELETE", `${pathOf(client)}/${jti}`);
    const { answer, tokens } = await list(client);
    assert.equal(tokens.length, 1);
    assert.equal(answer.json?.total_size, 1);
  });

  test("may be a refresh family: one row, however often it was refreshed, with the last token's suffix", async () => {
    const flow = await testCodeFlow();
    const { refresh } = await flow.logIn();
    const next = tokensOf(await flow.refresh(refresh));
    const { tokens } = await list(flow);
    const families = tokens.filter(({ token_type }) => token_type === "refresh");
    assert.equal(families.length, 1);
    assert.equal(families[0]?.token_suffix, next.refresh.slice(-11));
    assert.equal(families[0]?.expires, (families[0]?.issued_at ?? 0) + 3600);
    assert.deepEqual(families[0]?.scopes, ["openid", "shoes:read", "shoes:write"]);
    assert.equal(tokens.length, 3);
  });
});

describe("pages", () => {
  test("hold each token once, newest first, and end without a page token", async () => {
    const client = await testClient();
    for (let count = 0; count < 7; count += 1) await issue(client);
    const ids: string[] = [];
    let query = "?page_size=3";
    for (let page = 0; page < 3; page += 1) {
      const { answer, tokens, next } = await list(client, query);
      ids.push(...tokens.map(({ id }) => id));
      assert.equal(answer.json?.total_size, 7);
      assert.match(next, page < 2 ? /^[A-Za-z0-9_-]+$/ : /^$/);
      query = `?page_token=${next}`;
    }
    assert.equal(new Set(ids).size, 7);
  });

  test("go on while tokens are deleted or issued meanwhile", async () => {
    const client = await testClient();
    for (let count = 0; count < 4; count += 1) await issue(client);
    const first = await list(client, "?page_size=2");
    for (const { id } of first.tokens) await client.tenant.manage("DELETE", `${pathOf(client)}/${id}`);
    await issue(client);
    const second = await list(client, `?page_token=${first.next}`);
    assert.equal(second.tokens.length, 2);
    assert.ok(second.tokens.every(({ id }) => first.tokens.every((token) => token.id !== id)));
  });

  test("of more than the maximum, or of 0, are as large as may be", async () => {
    const client = await testClient();
    for (let count = 0; count < 3; count += 1) await issue(client);
    for (const size of ["0", "500", "99999999999999999999", ""]) {
      assert.equal((await list(client, `?page_size=${size}`)).tokens.length, 3);
    }
    for (const size of ["-1", "1.5", "x"]) {
      assertViolation(await client.tenant.manage("GET", `${pathOf(client)}?page_size=${size}`), "page_size");
    }
  });

  test("are those of one question: a page token is good for no other", async () => {
    const client = await testClient();
    const other = await testClient({ tenant: client.tenant, server: client.resourceServer });
    for (const one of [client, client, other, other]) await issue(one);
    const { next } = await list(client, "?page_size=1");
    for (const path of [
      `${pathOf(client)}?principal_type=application&page_token=${next}`,
      `${pathOf(other)}?page_token=${next}`,
      `${pathOf(client)}?page_token=${next.slice(0, -4)}`,
      `${pathOf(client)}?page_token=e30`,
      `${pathOf(client)}?page_token=%00`,
    ]) {
      assertViolation(await client.tenant.manage("GET", path), "page_token");
    }
    assert.equal((await list(client, `?page_token=${next}&page_size=5`)).tokens.length, 1);
  });
});

describe("filters", () => {
  test("by principal: an application's own tokens, a person's, and nobody's", async () => {
    const flow = await testCodeFlow({
      config: { type: "oauth2", grant_type: ["authorization_code", "client_credentials"] },
    });
    const another = await flow.tenant.addIdentity("another@example.com");
    await issue(flow);
    await flow.logIn();
    await flow.logIn({ identityId: another });
    const sizes = async (query: string) => (await list(flow, query)).tokens.map(({ token_type }) => token_type).sort();
    assert.deepEqual(await sizes("?principal_type=application"), ["access"]);
    assert.deepEqual(await sizes("?principal_type=identity"), ["access", "access", "refresh", "refresh"]);
    assert.deepEqual(await sizes(`?principal_type=identity&principal_id=${another}`), ["access", "refresh"]);
    assert.deepEqual(await sizes(`?principal_id=${another}`), ["access", "refresh"]);
    assert.deepEqual(await sizes(`?principal_type=application&principal_id=${another}`), []);
    assert.deepEqual(await sizes(`?principal_type=application&principal_id=${flow.application.key.applicationId}`), [
      "access",
    ]);
  });

  test("that are unknown or malformed are refused by name", async () => {
    const client = await testClient();
    const get = (query: string) => client.tenant.manage("GET", `${pathOf(client)}?${query}`);
    assertViolation(await get("filter=x"), "filter");
    assertViolation(await get("principal_type=robot"), "principal_type");
    assertViolation(await get("principal_id="), "principal_id");
    assertViolation(await get("principal_type=identity&principal_type=identity"), "principal_type");
  });
});

describe("revocation by id", () => {
  test("is answered alike twice and for ids that name nothing", async () => {
    const client = await testClient();
    const token = await issue(client);
    const { jti } = await client.tenant.introspect(client.application, token);
    for (const id of [jti, jti, "x", "A".repeat(32), "_".repeat(32), "%00"]) {
      const answer = await client.tenant.manage("DELETE", `${pathOf(client)}/${id}`);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.text, "");
    }
    assert.deepEqual(await client.tenant.introspect(client.application, token), { active: false });
  });

  test("of a refresh family ends all its tokens (rule 13)", async () => {
    const flow = await testCodeFlow();
    const login = await flow.logIn();
    const { tokens } = await list(flow);
    const family = tokens.find(({ token_type }) => token_type === "refresh");
    await flow.tenant.manage("DELETE", `${pathOf(flow)}/${family?.id}`);
    assert.deepEqual(await flow.tenant.introspect(flow.application, login.access), { active: false });
    assertInvalidGrant(await flow.refresh(login.refresh));
    assert.equal((await list(flow)).tokens.length, 0);
  });

  test("under another application touches nothing, and an unknown application is not found", async () => {
    const client = await testClient();
    const other = await testClient({ tenant: client.tenant, server: client.resourceServer });
    const token = await issue(client);
    const { jti } = await client.tenant.introspect(client.application, token);
    assert.equal((await client.tenant.manage("DELETE", `${pathOf(other)}/${jti}`)).status, 200);
    assert.equal((await client.tenant.introspect(client.application, token)).active, true);
    for (const [method, suffix] of [
      ["GET", ""],
      ["DELETE", `/${jti}`],
    ] as const) {
      const path = `/applications/00000000-0000-4000-8000-000000000000/tokens${suffix}`;
      const answer = await client.tenant.manage(method, path);
      assert.equal(answer.status, 404, answer.text);
      assert.equal(answer.json?.message, "application not found");
    }
  });
});
