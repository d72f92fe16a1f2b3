import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { Row, SentStatement } from "../src/database/database.ts";
import { listComposedNames, listStatements, type Statement } from "../src/database/statement.ts";
import type { Route } from "../src/http/route.ts";
import { recountJob } from "../src/jobs/live-counts.ts";
import { hexId } from "../src/platform/random.ts";
import { keepJob } from "./support/leased-job.ts";
import { recordExamples } from "./support/tenancy-examples.ts";
import {
  createReplayer,
  doubleTenant,
  listTenantTables,
  namedTables,
  type Replayer,
  type Told,
} from "./support/tenancy-replay.ts";
import { ATTACKS, type Attack, callManagementRoute } from "./support/tenancy-routes.ts";
import { type TenantInUse, tenantInUse } from "./support/tenancy-scenario.ts";
import { testCodeFlow } from "./support/test-code-flow.ts";
import { testTenant } from "./support/test-tenant.ts";

// Every query called for another tenant gives nothing away. The registry of statements says what there is to test: one that no use
// in tenancy-scenario.ts and no example in tenancy-examples.ts sends makes this file fail.

/** Statements that no tenant owns anything of. */
const TENANTLESS: Readonly<Record<string, string>> = {
  "session.tenants": "names the tenants of a transaction",
  "partition.list_attached": "asks the catalog which partitions there are",
  "partition.list_tables": "asks the catalog which partitions there are, and which should be gone",
  "lease.take": "a job's lease belongs to the nodes",
  "lease.set_end": "a job's lease belongs to the nodes",
  "lease.extend": "a lease of the start belongs to the nodes",
  "lease.release": "a lease of the start belongs to the nodes",
  "lease.insert_mark": "a mark of the start belongs to the nodes",
  "lease.find_mark": "a mark of the start belongs to the nodes",
  "lease.read_clock": "the clock is one for all (rule 14)",
  "replica.read_position": "how far the log has come is the server's",
};

/** Recordings of one statement that are replayed, or looked at until one does something. */
const REPLAYS_MAX = 3;
const TRIES_MAX = 8;
const SMALL_NUMBER = 100;

const declared = (): Statement[] => listStatements().filter(({ name }) => !name.startsWith("test."));
/** The names of all that is a tenant's, composed queries among them. */
const owned = (): string[] =>
  [...declared().map(({ name }) => name), ...listComposedNames()].filter(
    (name) => !(name in TENANTLESS) && !name.startsWith("test."),
  );

describe("a statement keeps to its tenant", () => {
  let used: TenantInUse;
  let tables: string[];
  let replayer: Replayer;
  /** by the table that the double lacks */
  let replayers: Map<string, Replayer>;
  let recorded: Map<string, SentStatement[]>;
  /** what `chooseRecordings` has chosen */
  const chosen = new Map<string, SentStatement[]>();

  before(async () => {
    used = await tenantInUse();
    const { tenantId, server } = used.tenant;
    await server.app.settled();
    recorded = Map.groupBy(
      [...(await recordExamples(used)), ...used.sent.toReversed()],
      ({ statement }) => statement.name,
    );
    const { database, random } = server.deps;
    tables = await database.maintain(listTenantTables);
    const doubles = ["", ...tables].map((missing) => ({ missing, own: tenantId, other: hexId(random) }));
    await database.maintain(async (session) => {
      for (const double of doubles) await doubleTenant(session, tables, double);
    });
    replayers = new Map(doubles.map((double) => [double.missing, createReplayer(database, tables, double)]));
    replayer = present(replayers.get(""));
  });

  test("every declared statement is sent by some use, or named as nobody's", () => {
    const unsent = owned().filter((name) => !recorded.has(name));
    assert.deepEqual(unsent, [], "add a use to tenancy-scenario.ts, or an example to tenancy-examples.ts");
    const names = new Set(declared().map(({ name }) => name));
    assert.deepEqual(
      Object.keys(TENANTLESS).filter((name) => !names.has(name)),
      [],
      "nobody's statements that are not declared any more",
    );
  });

  test("every statement names tenant_id, and nobody's statements read no tenant's table", () => {
    const composed = listComposedNames().flatMap((name) => recorded.get(name) ?? []);
    for (const statement of [...declared(), ...composed.map((sent) => sent.statement)]) {
      const { name, text } = statement;
      if (name in TENANTLESS) assert.deepEqual(namedTables(tables, statement), [], name);
      else assert.match(text, /\btenant_id\b/, name);
    }
  });

  test("every table of a tenant's rows is behind row-level security", async () => {
    const { database } = used.tenant.server.deps;
    const open = await database.maintain((session) =>
      session.query(
        `SELECT c.relname AS name FROM pg_class c WHERE c.relname = ANY ($1::text[])
          AND NOT (c.relrowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polcmd = '*'))`,
        [tables],
      ),
    );
    assert.deepEqual(open, []);
    assert.ok(tables.includes("tokens") && tables.includes("tenants"), tables.join());
  });

  test("a request opens its statements for its own tenant only", () => {
    for (const { statement, tenantIds } of used.sent) {
      assert.deepEqual(tenantIds, [used.tenant.tenantId], statement.name);
    }
  });

  test("row-level security alone shows and changes nothing of another tenant's", async () => {
    for (const name of owned()) {
      for (const sent of await chooseRecordings(name)) {
        const outcome = await replayer.unchangedAsOther(sent);
        assert.equal(outcome.changed, false, `${name} changed another tenant's rows`);
        const told = outcome.rows.flatMap((row) => Object.values(row)).filter((value) => isNews(value, sent));
        assert.deepEqual(told, [], `${name} tells another tenant's values`);
      }
    }
  });

  test("a statement's own text alone shows and changes nothing of another tenant's", async () => {
    for (const name of owned()) {
      for (const sent of await chooseRecordings(name)) {
        for (const missing of ["", ...namedTables(tables, sent.statement)]) {
          const replayed = present(replayers.get(missing));
          const alone = await replayed.namingOtherUnprotected(sent);
          assert.equal(alone.changed, false, `${name} changed another tenant's rows`);
          // Both tenants hold the same ids: what the text forgets to ask for is seen without the second wall, and not with it.
          const both = await replayed.namingOther(sent);
          assert.ok(isSame(alone, both), `${name} needs row-level security to tell two tenants apart (${missing})`);
        }
      }
    }
  });

  /** Recordings of a statement to replay, one at least that does what the statement is there for: else nothing is proved. */
  async function chooseRecordings(name: string): Promise<SentStatement[]> {
    const known = chosen.get(name);
    if (known !== undefined) return known;
    const all = recorded.get(name)?.slice(0, TRIES_MAX) ?? [];
    for (const sent of all) {
      const { rows, failure, changed } = await replayer.asOwn(sent);
      // A conflict is an insert that has met its own row.
      const isEffective = changed || failure === "23505" || rows.some((row) => Object.values(row).some(isSomething));
      if (!isEffective) continue;
      const found = [...new Set([sent, ...all.slice(0, REPLAYS_MAX)])];
      chosen.set(name, found);
      return found;
    }
    throw new Error(`none of ${all.length} recordings of ${name} does anything for its own tenant`);
  }
});

describe("a route keeps to its tenant", () => {
  let attack: Attack;
  let routes: readonly Route[];

  before(async () => {
    const used = await tenantInUse();
    // What is counted exactly in between is no stranger's doing.
    await keepJob(used.tenant.server, recountJob);
    const flow = await testCodeFlow({ tenant: await testTenant() });
    const [tokens, managementToken] = [await flow.logIn(), await flow.tenant.managementToken()];
    attack = { used, stranger: { flow, tokens, managementToken } };
    routes = flow.tenant.server.app.routes;
  });

  test("every route that is a tenant's has its attack", () => {
    const needed = routes.filter(({ kind, path }) => kind !== "management" && path.includes(":tenant")).map(nameOf);
    assert.deepEqual(Object.keys(ATTACKS).toSorted(), [...new Set(needed)].toSorted(), "see tenancy-routes.ts");
    for (const { kind, name, path } of routes) {
      if (!path.includes(":tenant")) assert.ok(kind !== "management", `${name} names no tenant`);
    }
  });

  test("another tenant's credentials, tokens and browsers get nothing, and change nothing", async () => {
    const secrets = secretsOf(attack.used);
    await attack.used.tenant.server.app.settled();
    const before = await summarise(attack.used);
    for (const route of routes.filter(({ path }) => path.includes(":tenant"))) {
      const answers = await (route.kind === "management"
        ? callManagementRoute(attack, route)
        : present(ATTACKS[nameOf(route)])(attack));
      assert.ok(answers.length > 0, nameOf(route));
      const told = answers.map(({ text, headers }) => `${text} ${[...headers].join()}`).join();
      for (const [name, secret] of secrets) assert.ok(!told.includes(secret), `${nameOf(route)} tells the ${name}`);
      assert.deepEqual(await summarise(attack.used), before, `${nameOf(route)} changed something`);
    }
  });

  test("what was attacked still works for its own tenant", async () => {
    const { flow, access, refresh, jobToken, job, ...used } = attack.used;
    assert.equal((await flow.tenant.introspect(flow.application, access)).active, true);
    assert.equal((await flow.tenant.introspect(flow.application, refresh)).active, true);
    assert.equal((await flow.tenant.introspect(job, jobToken)).active, true);
    const grant = { code: used.code, verifier: used.codeVerifier, identityId: "", grantId: "" };
    assert.equal((await flow.exchange(grant)).status, 200);
    assert.equal((await used.openLogin.browser.open(used.openLogin.url)).status, 200);
  });
});

function nameOf({ method, name }: Route): string {
  return `${method} ${name}`;
}

/** What a stranger was not told before. */
function secretsOf(used: TenantInUse): [string, string][] {
  const { flow, person, job } = used;
  return Object.entries({
    email: person.email,
    identity: person.identityId,
    secret: flow.application.clientSecret,
    "job's client_id": job.clientId,
    "job's secret": job.clientSecret,
    token: used.access,
  });
}

/** Everything that a tenant has, but for the record of who tried what. */
async function summarise({ tenant }: TenantInUse): Promise<Row[]> {
  const { database } = tenant.server.deps;
  return database.maintain(async (session) => {
    const tables = (await listTenantTables(session)).filter((table) => table !== "decisions");
    const sums = tables.map(
      (table) =>
        `SELECT '${table}' AS name, md5(string_agg(x::text, ',' ORDER BY x::text)) FROM ${table} x WHERE tenant_id = $1`,
    );
    return session.query(`${sums.join(" UNION ALL ")} ORDER BY name`, [tenant.tenantId]);
  });
}

function present<T>(value: T | undefined): T {
  assert.ok(value !== undefined);
  return value;
}

/** A value that was neither sent nor is just a position or an empty count. */
function isNews(value: unknown, { values }: SentStatement): boolean {
  if (!isSomething(value)) return false;
  if (typeof value === "number") return Math.abs(value) >= SMALL_NUMBER;
  return !(typeof value === "string" && JSON.stringify(values).includes(JSON.stringify(value).slice(1, -1)));
}

function isSomething(value: unknown): boolean {
  return value !== null && value !== undefined && value !== 0 && value !== "" && value !== false;
}

function isSame(one: Told, other: Told): boolean {
  // What fails for its data fails the same way; row-level security has an error of its own, which no text can have.
  if (one.failure !== other.failure) return false;
  return isDeepStrictEqual(sorted(one.rows), sorted(other.rows));
}

function sorted(rows: readonly Row[]): string[] {
  return rows.map((row) => JSON.stringify(row)).sort();
}
