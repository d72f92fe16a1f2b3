import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Client } from "pg";
import { listStatements } from "../src/database/statement.ts";
import { type Answer, call, postForm } from "./support/http.ts";
import { type TestClient, testClient } from "./support/test-client.ts";
import { type CodeFlow, testCodeFlow, tokensOf } from "./support/test-code-flow.ts";
import { exchange } from "./support/token-exchange.ts";

// Settled 9 and 19: hot SQL is prepared under a name, and "not slower" is first of all the same number of statements.

/** So often a request may meet a cache that was just cleared or that is due to be read anew. */
const ATTEMPTS_MAX = 20;
const TRANSACTION = ["BEGIN", "COMMIT"];

/** Those of the server: tests of the database declare their own, in the same process. */
const listDeclared = () => listStatements().filter(({ name }) => !name.startsWith("test."));

/** A request as the hot path sees it: everything that may be cached is, and its credentials are at hand. */
interface HotRoute {
  readonly name: string;
  readonly statements: readonly string[];
  /** what it needs is made first; the request itself is counted */
  readonly prepare: (flow: CodeFlow) => Promise<() => Promise<Answer>>;
}

const HOT_ROUTES: readonly HotRoute[] = [
  {
    name: "a token for client credentials",
    statements: ["token.insert"],
    prepare: async (flow) => {
      const { tenant } = flow;
      const { application } = await clientOf(flow);
      const send = () => tenant.token(application, { grant_type: "client_credentials", expiration_time: "900" });
      await send();
      return send;
    },
  },
  {
    name: "a code's exchange",
    statements: ["grant.read", "token.issue"],
    prepare: async (flow) => {
      const grant = await flow.grant();
      return () => flow.exchange(grant);
    },
  },
  {
    name: "a refresh",
    statements: ["grant.read", "token.issue"],
    prepare: async (flow) => {
      const { refresh } = await flow.logIn();
      return () => flow.refresh(refresh);
    },
  },
  {
    name: "an introspection of a client's own token",
    statements: ["token.read"],
    prepare: async (flow) => {
      const { tenant } = flow;
      const { application } = await clientOf(flow);
      const answer = await tenant.token(application, { grant_type: "client_credentials" });
      const form = { token: String(answer.json?.access_token) };
      const send = () =>
        postForm(`${application.issuer}/introspect`, form, { authorization: application.authorization });
      await send();
      return send;
    },
  },
  {
    name: "an exchange of an exchanged token",
    statements: ["token.issue", "token.read", "token.read"],
    prepare: async (flow) => {
      const { tenant, application, token } = await exchangedOf(flow);
      return () => exchange(tenant, application, token);
    },
  },
  {
    name: "an introspection of an exchanged token, its ancestors in a round of their own",
    statements: ["token.read", "token.read"],
    prepare: async (flow) => {
      const { application, token } = await exchangedOf(flow);
      const { issuer, authorization } = application;
      return () => postForm(`${issuer}/introspect`, { token }, { authorization });
    },
  },
  {
    name: "an introspection of a person's token",
    statements: ["token.read", "token.read_live_grants"],
    prepare: async (flow) => ask(flow, "introspect", (await flow.logIn()).access),
  },
  {
    name: "an introspection of a refresh token",
    statements: ["application.read_clients", "grant.read"],
    prepare: async (flow) => ask(flow, "introspect", (await flow.logIn()).refresh),
  },
  {
    name: "a revocation",
    statements: ["revocation.end_tokens", "token.read", "token.read_live_grants"],
    prepare: async (flow) => ask(flow, "revoke", (await flow.logIn()).access),
  },
  {
    name: "a revocation of a refresh token",
    statements: ["application.read_clients", "grant.read", "revocation.end_grants"],
    prepare: async (flow) => ask(flow, "revoke", (await flow.logIn()).refresh),
  },
  {
    name: "userinfo",
    statements: ["grant.read", "token.read", "token.read_live_grants"],
    prepare: async (flow) => {
      const { access } = await flow.logIn();
      return () => call(`${flow.application.issuer}/userinfo`, { headers: { authorization: `Bearer ${access}` } });
    },
  },
  {
    name: "discovery",
    statements: [],
    prepare: async ({ application }) => {
      return () => call(`${application.issuer}/.well-known/openid-configuration`);
    },
  },
  {
    name: "a JWKS",
    statements: [],
    prepare: async ({ application }) => {
      return () => call(`${application.issuer}/.well-known/jwks.json`);
    },
  },
];

const clients = new WeakMap<CodeFlow, Promise<TestClient>>();

/** A client of the flow's tenant, made once: whatever tells of the new one clears what is cached, at a time of its own. */
function clientOf(flow: CodeFlow): Promise<TestClient> {
  const client = clients.get(flow) ?? testClient({ tenant: flow.tenant, server: flow.resourceServer });
  clients.set(flow, client);
  return client;
}

/** A token that was exchanged once. */
async function exchangedOf(flow: CodeFlow): Promise<TestClient & { readonly token: string }> {
  const client = await clientOf(flow);
  const { tenant, application } = client;
  const { access } = tokensOf(await tenant.token(application, { grant_type: "client_credentials" }));
  return { ...client, token: tokensOf(await exchange(tenant, application, access)).access };
}

function ask({ application }: CodeFlow, endpoint: "introspect" | "revoke", token: string): () => Promise<Answer> {
  const { issuer, authorization } = application;
  return () => postForm(`${issuer}/${endpoint}`, { token }, { authorization });
}

/** What a request sends, when nothing that is cached is due to be read anew: as little as it should, or the least of many attempts. */
async function countStatements(flow: CodeFlow, route: HotRoute): Promise<string[]> {
  const { server, tenantId } = flow.tenant;
  const counted: string[][] = [];
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const send = await route.prepare(flow);
    server.sent.length = 0;
    const answer = await send();
    assert.equal(answer.status, 200, answer.text);
    const own = server.sent.filter(({ tenantIds }) => tenantIds.includes(tenantId));
    counted.push(own.map(({ statement }) => statement.name).sort());
    if (own.length <= route.statements.length) break;
  }
  return counted.reduce((least, names) => (names.length < least.length ? names : least));
}

for (const route of HOT_ROUTES) {
  test(`${route.name} costs ${route.statements.length} statements`, async () => {
    assert.deepEqual(await countStatements(await testCodeFlow(), route), route.statements);
  });
}

test("every declared statement can be prepared on this database", async () => {
  const { tenant } = await testCodeFlow();
  const declared = listDeclared();
  assert.ok(declared.length > 50, `only ${declared.length} statements are declared`);
  const problems = await tenant.server.deps.database.maintain(async (session) => {
    const found: string[] = [];
    for (const { name, text } of declared) {
      await session.query(`PREPARE test_statement AS ${text}`).then(
        () => session.query("DEALLOCATE test_statement"),
        (error: Error) => found.push(`${name}: ${error.message}`),
      );
    }
    return found;
  });
  assert.deepEqual(problems, []);
});

test("no statement reads what expires without an index, and a list of it reads row by row", async () => {
  const { tenant } = await testCodeFlow();
  const plans = await tenant.server.deps.database.maintain(async (session) => {
    await session.query("SET ROLE mayfly_app");
    await session.query("SELECT set_config('mayfly.tenants', $1, false)", [tenant.tenantId]);
    const found = new Map<string, string>();
    for (const { name, text } of listDeclared()) {
      await session.query(`PREPARE test_plan AS ${text}`);
      const [prepared] = await session.query(
        "SELECT cardinality(parameter_types) AS count FROM pg_prepared_statements WHERE name = 'test_plan'",
      );
      const values = Array.from({ length: Number(prepared?.count) }, () => "NULL").join(", ");
      const rows = await session.query(`EXPLAIN EXECUTE test_plan${values === "" ? "" : ` (${values})`}`);
      found.set(name, rows.map((row) => String(row["QUERY PLAN"])).join("\n"));
      await session.query("DEALLOCATE test_plan");
    }
    return found;
  });
  const without = [...plans].filter(([, plan]) =>
    /Seq Scan on (tokens|grants|decisions|authorization_requests)_/.test(plan),
  );
  assert.deepEqual(
    without.map(([name]) => name),
    [],
  );
  for (const name of ["token.list", "token.count", "live_count.count_tokens"]) {
    const plan = plans.get(name) ?? "";
    assert.match(plan, /Merge Append[^\n]*\n *Sort Key: \w+\.application_id/, name);
    // The index of the primary key has the rows of a realm's other applications, too. Ancestors (`p`) are known by it.
    assert.doesNotMatch(plan, /using tokens_c\d_\d+_pkey on \S+ (?!p(_\d+)?\b)/, name);
  }
});

test("statements have names that tell them apart, and never ask for the time", () => {
  for (const { name, text } of listDeclared()) {
    assert.match(name, /^[a-z_]+\.[a-zA-Z_]+$/);
    assert.ok(Buffer.byteLength(name) <= 63, `${name} is longer than PostgreSQL keeps`);
    if (name === "lease.read_clock") continue; // rule 14: the clock that all nodes follow
    assert.doesNotMatch(
      text,
      /\b(now|clock_timestamp|statement_timestamp|timeofday)\s*\(|\bcurrent_(time|date)/i,
      name,
    );
  }
});

// A request that sends an unnamed statement does so each time. What new connections, jobs, and whoever hears of changes send now and
// then is not a request's.
test("the hot routes send named statements only", async (t) => {
  const flow = await testCodeFlow();
  const hot = HOT_ROUTES.filter(({ statements }) => statements.length > 0);
  const watched = watchUnnamed(t);
  let unnamed: readonly string[] = ["not yet asked"];
  for (let attempt = 0; attempt < ATTEMPTS_MAX && unnamed.length > 0; attempt += 1) {
    const requests = await Promise.all(hot.map((route) => route.prepare(flow)));
    const { refresh } = await flow.logIn();
    watched.forget();
    const answers = await Promise.all(requests.map((send) => send()));
    for (const answer of answers) assert.equal(answer.status, 200, answer.text);
    tokensOf(await flow.refresh(refresh));
    unnamed = watched.list();
  }
  assert.deepEqual(unnamed, []);
});

/** The texts that the driver is given without a name, but for a transaction's begin and end. */
function watchUnnamed(t: TestContext): { forget(): void; list(): readonly string[] } {
  const { mock } = t.mock.method(Client.prototype, "query");
  return {
    forget: () => mock.resetCalls(),
    list: () => {
      assert.ok(mock.calls.length > 0, "the driver was not watched");
      return mock.calls.flatMap((made) => {
        const query = made.arguments[0] as unknown as string | { text: string; name?: string };
        if (typeof query === "string") return TRANSACTION.includes(query) ? [] : [query];
        return query.name === undefined ? [query.text] : [];
      });
    },
  };
}
