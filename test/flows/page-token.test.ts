import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Answer } from "../support/http.ts";
import { violatedFields } from "../support/refusals.ts";
import { type TestClient, testClient } from "../support/test-client.ts";
import { tokensOf } from "../support/test-code-flow.ts";

// Page tokens are not signed: they carry no authority, so whatever a client writes into one must do no harm.

const PAGE_SIZE_MAX = 100;
const TOKENS = PAGE_SIZE_MAX + 5;

let shared: Promise<TestClient> | undefined;

/** A client with more live tokens than a page may show; no test changes them. */
function crowdedClient(): Promise<TestClient> {
  shared ??= testClient({ config: { token_format: "referential" } }).then(async (client) => {
    const issue = () => client.tenant.token(client.application, { grant_type: "client_credentials" });
    for (const answer of await Promise.all(Array.from({ length: TOKENS }, issue))) tokensOf(answer);
    return client;
  });
  return shared;
}

function get({ tenant, application }: TestClient, query: string): Promise<Answer> {
  return tenant.manage("GET", `/applications/${application.key.applicationId}/tokens?${query}`);
}

function sizeOf(answer: Answer): number {
  assert.equal(answer.status, 200, answer.text);
  const { tokens } = answer.json as { tokens: unknown[] };
  return tokens.length;
}

/** A page token as the server would make it, with members of somebody else's choice. */
async function forge(client: TestClient, changes: Readonly<Record<string, unknown>>): Promise<string> {
  const first = await get(client, "page_size=1");
  const text = Buffer.from(String(first.json?.next_page_token), "base64url").toString("utf8");
  const content: unknown = JSON.parse(text);
  return Buffer.from(JSON.stringify(Object.assign({}, content, changes))).toString("base64url");
}

describe("a forged page token", () => {
  for (const pageSize of [PAGE_SIZE_MAX + 1, 1_000_000, Number.MAX_SAFE_INTEGER]) {
    test(`that asks for ${pageSize} tokens gets ${PAGE_SIZE_MAX}`, async () => {
      const client = await crowdedClient();
      const answer = await get(client, `page_token=${await forge(client, { pageSize })}`);
      assert.equal(sizeOf(answer), PAGE_SIZE_MAX);
    });
  }

  test("that asks for none gets one: pages come to an end", async () => {
    const client = await crowdedClient();
    assert.equal(sizeOf(await get(client, `page_token=${await forge(client, { pageSize: 0 })}`)), 1);
  });

  const WRONG: readonly Readonly<Record<string, unknown>>[] = [
    { pageSize: -1 },
    { pageSize: 1.5 },
    { pageSize: "1000" },
    { pageSize: null },
    { totalSize: -1 },
    { totalSize: 2 ** 60 },
    { until: 0 },
    { query: "x" },
    { after: null },
    { after: "A".repeat(257) },
    { totalIsEstimated: "yes" },
  ];
  for (const changes of WRONG) {
    test(`is refused by name: ${JSON.stringify(changes).slice(0, 60)}`, async () => {
      const client = await crowdedClient();
      assert.deepEqual(violatedFields(await get(client, `page_token=${await forge(client, changes)}`)), ["page_token"]);
    });
  }

  test("cannot go on at a place that is none", async () => {
    const client = await crowdedClient();
    for (const after of ["", "\u0000", "%", "\ud800", "A".repeat(256), "_".repeat(32)]) {
      const answer = await get(client, `page_token=${await forge(client, { after })}`);
      assert.ok(sizeOf(answer) <= PAGE_SIZE_MAX, after);
    }
  });
});

test("a parameter with what the database cannot take is refused by its name (rule 10)", async () => {
  const client = await testClient();
  for (const [query, fields] of [
    ["principal_id=%00", ["principal_id"]],
    ["principal_id=a%00b&principal_type=identity", ["principal_id"]],
    ["page_token=%00&principal_id=%00", ["page_token", "principal_id"]],
    ["page_size=%00", ["page_size"]],
  ] as const) {
    assert.deepEqual(violatedFields(await get(client, query)), fields, query);
  }
});
