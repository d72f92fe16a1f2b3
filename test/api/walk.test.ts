import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import fc from "fast-check";
import { OPERATIONS } from "../../src/app.ts";
import { MANAGEMENT_SCOPES } from "../../src/protocol/management-scopes.ts";
import { type DocumentedOperation, readApiDocument } from "../support/api-document.ts";
import { type Answer, call } from "../support/http.ts";
import { malformedBodies, malformedQueries } from "../support/malformed-bodies.ts";
import { type ManagementClient, managementClient } from "../support/management-client.ts";
import { operatorClient, setQuotas } from "../support/operator-client.ts";
import { databaseSide } from "../support/test-database.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";
import { useManagementApi } from "../support/uses/index.ts";

// A walk over the OpenAPI document, as somebody takes it who knows nothing else: every operation is called well and badly, and every answer
// is what the document says. Who adds an operation has to use it once in test/support/uses, and no more.

/** Bodies, or queries where there is no body, or ids where there is neither, for each operation. */
const RUNS = databaseSide() === "postgresql" ? 100 : 20;
const UNKNOWN = { hex: "00000000000000ee", uuid: "00000000-0000-4000-8000-0000000000ee", other: "unknown" } as const;
/** Operations that answer the same for what is there and for what is not. */
const ANSWERED_ANYWAY: Readonly<Record<string, string>> = {
  RevokeToken: "a dead token and none are told apart for nobody",
  ListEvents: "what happened in a realm is shown when the realm is gone; in one that never was, nothing did",
};

/** A use of an operation that succeeded: what it was called with. */
interface Use {
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: string;
  readonly body: string | undefined;
  readonly answer: Answer;
}

let tenant: TestTenant;
let operations: readonly DocumentedOperation[];
const uses = new Map<string, Use[]>();

before(async () => {
  tenant = await testTenant();
  operations = await readApiDocument(tenant.server.url);
  const api = managementClient(tenant);
  const recording: ManagementClient = async (name, input) => {
    const answered = await api(name, input);
    if (answered.status >= 200 && answered.status < 300) record(name, input, answered);
    return answered;
  };
  const identity = await tenant.addIdentity("walker@example.com");
  await setQuotas(tenant.server, tenant.tenantId, { requests_per_minute: 10_000_000 }); // it walks faster than it may
  await useManagementApi({ tenant, api: recording }, { identity });
  await useOperatorRoutes();
});

/** The operator's operations, on tenants of its own. */
async function useOperatorRoutes(): Promise<void> {
  const operate = operatorClient(tenant.server);
  const succeed = async (
    name: string,
    method: string,
    parts: { readonly id?: unknown; readonly body?: object } = {},
  ) => {
    const { id, body } = parts;
    const path = `/v1/tenants${id === undefined ? "" : `/${id}`}${name.endsWith("Quotas") ? "/quotas" : ""}`;
    const answer = await operate(method, path, body === undefined ? {} : { body });
    assert.equal(answer.status, 200, answer.text);
    record(name, { ...(id === undefined ? {} : { tenant: id }), ...(body === undefined ? {} : { body }) }, answer);
    return answer;
  };
  const body = { tenant: { display_name: "Walked", kind: "test" } };
  const [kept, gone] = [
    await succeed("CreateTenant", "POST", { body }),
    await succeed("CreateTenant", "POST", { body }),
  ];
  await succeed("ListTenants", "GET");
  await succeed("GetTenantQuotas", "GET", { id: kept.json?.id });
  await succeed("UpdateTenantQuotas", "PATCH", { id: kept.json?.id, body: { quotas: { max_identities: 10 } } });
  await succeed("DeleteTenant", "DELETE", { id: gone.json?.id });
}

function record(name: string, input: object, answer: Answer): void {
  const { query = {}, body, text, ...rest }: Readonly<Record<string, unknown>> = { ...input };
  const ids = Object.entries(rest).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  const parameters = { tenant: tenant.tenantId, realm: tenant.realm.realmId, ...Object.fromEntries(ids) };
  const members = Object.entries({ ...(typeof query === "object" ? query : {}) });
  const search = new URLSearchParams(members.map(([member, value]) => [member, String(value)])).toString();
  const sent = typeof text === "string" ? text : body === undefined ? undefined : JSON.stringify(body);
  uses.set(name, [...(uses.get(name) ?? []), { parameters, query: search, body: sent, answer }]);
}

/** The last use of an operation. */
function useOf({ name }: DocumentedOperation): Use {
  const use = uses.get(name)?.at(-1);
  assert.ok(use !== undefined, `nothing in test/support/uses calls ${name} with success`);
  return use;
}

interface Sent {
  readonly parameters?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: string | Uint8Array | undefined;
  readonly token?: string;
}

/** Calls an operation as in its last use, but for what is said. */
async function send(operation: DocumentedOperation, changed: Sent): Promise<Answer> {
  const use = useOf(operation);
  const { parameters = {}, query = use.query, body = use.body, token } = changed;
  const ids: Readonly<Record<string, string>> = { ...use.parameters, ...parameters };
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(ids[name] ?? ""));
  return call(`${tenant.server.url}${path}${query === "" ? "" : `?${query}`}`, {
    method: operation.method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(operation.body === undefined ? {} : { "content-type": operation.body.mediaType }),
    },
    ...(operation.body === undefined || body === undefined
      ? {}
      : { body: typeof body === "string" ? body : Buffer.from(body) }),
  });
}

/** Calls every operation and tells what was answered otherwise than expected, or otherwise than the document says. */
async function walk(
  expected: (operation: DocumentedOperation) => readonly number[],
  changeOf: (operation: DocumentedOperation) => Sent | undefined | Promise<Sent | undefined>,
): Promise<void> {
  const problems: string[] = [];
  let called = 0;
  for (const operation of operations) {
    const changed = await changeOf(operation);
    if (changed === undefined) continue;
    called += 1;
    const answer = await send(operation, changed);
    const problem = expected(operation).includes(answer.status) ? operation.judge(answer) : answer.text;
    if (problem !== undefined) problems.push(`${operation.name} answered ${answer.status}: ${problem}`);
  }
  assert.deepEqual(problems, []);
  assert.ok(called > 0);
}

/** The parameters of a path that its caller may choose: a token names its tenant. */
function idsOf({ path, scheme }: DocumentedOperation): readonly string[] {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  return names.filter((name) => name !== "tenant" || scheme === "operator");
}

/** A credential that opens an operation, whatever it asks for. */
function keyTo({ scheme }: DocumentedOperation): Promise<string> {
  if (scheme === "operator") return Promise.resolve(tenant.server.operatorToken);
  return tenant.managementToken(MANAGEMENT_SCOPES.join(" ")); // a new one: some move the clock
}

function unknownLike(id: string): string {
  if (/^[0-9a-f]{16}$/.test(id)) return UNKNOWN.hex;
  return /^[0-9a-f]{8}-/.test(id) ? UNKNOWN.uuid : UNKNOWN.other;
}

describe("a walk over the OpenAPI document", () => {
  test("finds every operation of the registry, and no other", () => {
    const { routes } = tenant.server.app;
    const operated = routes.filter(({ kind }) => kind === "operator").map(({ name }) => name);
    const registry = [...OPERATIONS.map(({ operation }) => operation.name), ...operated];
    console.log(`${operations.length} operations in the document, ${registry.length} in the registry`);
    assert.deepEqual(operations.map(({ name }) => name).toSorted(), registry.toSorted());
    const undescribed = routes.filter(({ kind, operation }) => kind === "management" && operation === undefined);
    assert.deepEqual(undescribed, []);
    assert.equal(new Set(registry).size, registry.length);
  });

  test("succeeds with every operation", () => {
    const problems = operations.flatMap((operation) => {
      assert.ok(useOf(operation));
      return (uses.get(operation.name) ?? []).flatMap(({ answer }) => {
        const problem = operation.judge(answer);
        return problem === undefined ? [] : [`${operation.name}: ${problem}`];
      });
    });
    assert.deepEqual(problems, []);
  });

  test("is refused without a token, with a token that lacks a scope, and with another tenant's", async () => {
    const other = await (await testTenant()).managementToken();
    const is = (status: number) => () => [status];
    await walk(
      ({ scheme }) => [scheme === undefined ? 200 : 401],
      () => ({}),
    );
    await walk(is(401), ({ scheme }) => (scheme === undefined ? undefined : { token: "mayfly_at_unknown" }));
    await walk(
      ({ scheme }) => [scheme === "operator" ? 401 : 403],
      ({ scheme }) => (scheme === undefined ? undefined : { token: other }),
    );
    const lacking = new Map<string, string>();
    await walk(is(403), async ({ scopes: [needed] }) => {
      if (needed === undefined) return undefined;
      const rest = MANAGEMENT_SCOPES.filter((scope) => scope !== needed).join(" ");
      const token = lacking.get(needed) ?? (await tenant.managementToken(rest));
      lacking.set(needed, token);
      return { token };
    });
  });

  test("is refused in a realm out of reach, and finds nothing in one that does not exist", async () => {
    const token = await tenant.managementToken(MANAGEMENT_SCOPES.join(" "));
    const unknown = { parameters: { realm: UNKNOWN.hex }, token };
    await walk(
      ({ name }) => (name in ANSWERED_ANYWAY ? [200, 404] : [404]),
      (operation) => (idsOf(operation).includes("realm") ? unknown : undefined),
    );
    const confine = (realm: string) =>
      tenant.changeApplication(tenant.management, (settings) => ({ ...settings, target_realm: realm }));
    await confine(UNKNOWN.hex);
    try {
      await walk(
        () => [403],
        ({ scopes }) => (scopes.length > 0 ? { token } : undefined),
      );
    } finally {
      await confine("*");
    }
  });

  test("finds nothing under an id that does not exist", async () => {
    await walk(
      ({ name }) => (name in ANSWERED_ANYWAY ? [200, 404] : [404]),
      async (operation) => {
        const last = idsOf(operation).at(-1);
        if (last === undefined) return undefined;
        return {
          parameters: { [last]: unknownLike(useOf(operation).parameters[last] ?? "") },
          token: await keyTo(operation),
        };
      },
    );
  });

  test(`is answered as documented whatever it sends: ${RUNS} malformed requests an operation`, async () => {
    let refused = 0;
    let sent = 0;
    for (const operation of operations) {
      const token = await keyTo(operation);
      const judge = async (changed: Sent): Promise<void> => {
        const answer = await send(operation, { ...changed, token });
        assert.ok(answer.status < 500, `${operation.name}: ${answer.text}`);
        assert.equal(operation.judge(answer), undefined, `${operation.name} answered ${answer.status} ${answer.text}`);
        sent += 1;
        if (answer.status >= 400) refused += 1;
      };
      await fc.assert(fc.asyncProperty(malformed(operation), judge), { numRuns: RUNS, endOnFailure: true });
    }
    console.log(`${sent} malformed requests, ${refused} of them refused`);
    assert.ok(refused > sent / 2, `${refused} of ${sent}`);
  });
});

function malformed(operation: DocumentedOperation): fc.Arbitrary<Sent> {
  const { body, query } = operation;
  const bodies = body === undefined ? undefined : malformedBodies(body.schema).map((sent): Sent => ({ body: sent }));
  if (bodies !== undefined) return bodies;
  const queries = malformedQueries(query).map((sent): Sent => ({ query: sent }));
  const last = idsOf(operation).at(-1);
  if (Object.keys(query).length > 0 || last === undefined) return queries;
  const ids = fc.string({ unit: "binary", minLength: 1, maxLength: 60 }).map((text) => text.toWellFormed());
  return fc.oneof(
    queries,
    ids.map((id): Sent => ({ parameters: { [last]: id === "." || id === ".." ? "x" : id } })),
  );
}
