import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import fc from "fast-check";
import { applicationPath } from "../../src/protocol/client-metadata.ts";
import { type Answer, postForm } from "../support/http.ts";
import { decodeJwt } from "../support/jwt.ts";
import { lawRuns } from "../support/law-runs.ts";
import { assertInvalidClient, assertRefused } from "../support/refusals.ts";
import { type TestClient, type TokenConfigurationBody, testClient, testWorld } from "../support/test-client.ts";
import { testCodeFlow, tokensOf } from "../support/test-code-flow.ts";
import { testTenant } from "../support/test-tenant.ts";

// Issue 6: a preview equals the issue, over 10,000 generated configurations; a tenth of them here.

type Parameters = Readonly<Record<string, string>>;
type Around = Pick<TestClient, "tenant" | "application">;

const CREDENTIALS = { grant_type: "client_credentials" };

function preview(
  { application }: Around,
  form: Parameters,
  authorization: string | undefined = application.authorization,
): Promise<Answer> {
  return postForm(`${application.issuer}/tokens:preview`, form, authorization === "" ? {} : { authorization });
}

/** Claims that no two tokens share. */
function comparable(claims: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { jti: _, bi_x, bi_s, sid, username, token_type, active, uses_left, ...rest } = claims;
  return rest;
}

/** What was foreseen is what came: the same refusal, or the same token. */
async function assertForeseen(around: Around, foreseen: Answer, issued: Answer): Promise<void> {
  assert.equal(foreseen.status, 200, foreseen.text);
  const { granted, claims, lifetime, ...said } = foreseen.json as {
    granted: boolean;
    claims: object;
    lifetime: object;
  };
  if (issued.status !== 200) {
    assert.deepEqual(
      [
        granted,
        (said as Parameters).error,
        (said as Parameters).error_description,
        (said as { status?: number }).status,
      ],
      [false, issued.json?.error, issued.json?.error_description, issued.status],
    );
    return;
  }
  assert.equal(granted, true, `${foreseen.text} but ${issued.text}`);
  const { expires_in, scope, max_uses, not_before } = issued.json ?? {};
  assert.deepEqual(
    [(said as Record<string, unknown>).expires_in, (said as Record<string, unknown>).scope],
    [expires_in, scope],
  );
  assert.deepEqual(
    [(said as Record<string, unknown>).max_uses, (said as Record<string, unknown>).not_before],
    [max_uses, not_before],
  );
  const { access } = tokensOf(issued);
  const told =
    (said as Parameters).token_format === "self_contained" ? decodeJwt(access) : await introspectAs(around, access);
  if (told !== undefined) assert.deepEqual(comparable({ ...claims }), comparable(told));
  const decision = await around.tenant.manage("GET", `/decisions/${issued.headers.get("x-trace-id")}`);
  const decisions = decision.json?.decisions as
    | readonly { readonly facts: { readonly lifetime: object } }[]
    | undefined;
  assert.deepEqual(lifetime, decisions?.[0]?.facts.lifetime);
}

/** A token that is valid only later tells nothing yet. */
async function introspectAs({ tenant, application }: Around, access: string) {
  const told = await tenant.introspect(application, access);
  return told.active === true ? told : undefined;
}

const seconds = fc.integer({ min: 1, max: 200_000 });
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const configuration = fc.record({
  tokens: fc.record(
    { expires_after: seconds, default_expires_after: seconds, over_limit: fc.constantFrom("reject", "clamp") },
    { requiredKeys: ["expires_after"] },
  ),
  format: fc.constantFrom("self_contained", "referential"),
  server: maybe(seconds),
  scope: maybe(seconds),
});

const request = fc.record(
  {
    expiration_time: fc.oneof(seconds.map(String), fc.constantFrom("0", "", "x", "9999999999")),
    scope: fc.constantFrom("shoes:read", "shoes:read shoes:write", "nothing:here", "shoes:write openid", ""),
    max_uses: fc.constantFrom("1", "50", "0", "many"),
    later: fc.integer({ min: -10, max: 90_000 }),
    custom_claims: fc.constantFrom('{"a":1}', "{}", "[", '{"a":{"b":[true,null]}}'),
    token_name: fc.constantFrom("nightly", "x".repeat(65)),
  },
  { requiredKeys: [] },
);

function formOf({ later, ...form }: Readonly<Record<string, string | number | undefined>>, now: number): Parameters {
  const not_before = typeof later === "number" ? String(now + later) : undefined;
  const sent = Object.entries({ ...form, not_before }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(sent.map(([name, value]) => [name, String(value)]));
}

describe("a preview equals the issue", () => {
  const worlds: Omit<TestClient, "application">[] = [];

  before(async () => {
    const { tenant } = await testWorld({});
    for (const token_policy of [{}, { max_expires_after: 5_000, min_expires_after: 20 }, { max_expires_after: 90 }]) {
      const own = await testTenant({ server: tenant.server, realm: { token_policy } });
      worlds.push(await testWorld({ tenant: own }));
    }
  });

  test("for clients that act for themselves", async () => {
    const cases = fc.tuple(configuration, fc.nat(2), fc.array(request, { minLength: 10, maxLength: 10 }));
    await fc.assert(
      fc.asyncProperty(cases, async ([config, world, requests]) => {
        const tenant = worlds[world]?.tenant;
        assert.ok(tenant);
        const server = await tenant.addResourceServer({
          ...(config.server === undefined ? {} : { token_policy: { max_expires_after: config.server } }),
          ...(config.scope === undefined
            ? {}
            : { scope_policies: [{ scope: "shoes:write", max_expires_after: config.scope }] }),
        });
        const client = await testClient({
          tenant,
          server,
          tokens: config.tokens as TokenConfigurationBody,
          config: { token_format: config.format as "referential" },
        });
        const now = Math.floor(tenant.server.deps.clock.nowMs() / 1_000);
        for (const one of requests) {
          const form = { ...CREDENTIALS, ...formOf(one, now) };
          await assertForeseen(client, await preview(client, form), await tenant.token(client.application, form));
        }
      }),
      { numRuns: lawRuns(100) },
    );
  });

  test("for people: a code's exchange and a refresh", async () => {
    const [world] = worlds;
    assert.ok(world);
    const cases = fc.tuple(configuration, fc.array(request, { minLength: 2, maxLength: 2 }));
    await fc.assert(
      fc.asyncProperty(cases, async ([config, [first = {}, second = {}]]) => {
        const flow = await testCodeFlow({
          tenant: world.tenant,
          server: world.resourceServer,
          tokens: config.tokens as TokenConfigurationBody,
          config: { token_format: config.format as "referential" },
        });
        const now = Math.floor(world.tenant.server.deps.clock.nowMs() / 1_000);
        const { scope: _, ...asked } = formOf(first, now);
        const granted = "openid shoes:read shoes:write";
        const person = { subject: flow.identityId };
        const grant = await flow.grant({ scope: granted });
        const code = { grant_type: "authorization_code", ...person, ...asked, scope: granted };
        const foreseen = await preview(flow, code);
        await assertForeseen(flow, foreseen, await flow.exchange(grant, asked));
        const { refresh } = await flow.logIn({ scope: granted });
        const { scope: asks, ...again } = formOf(second, now);
        const form = { ...again, ...(asks === undefined || asks === "" ? {} : { scope: asks }) };
        const left = { granted_scope: granted, remaining_seconds: "3600" };
        const refreshed = await preview(flow, { grant_type: "refresh_token", ...person, ...left, ...form });
        await assertForeseen(flow, refreshed, await flow.refresh(refresh, form));
      }),
      { numRuns: lawRuns(40) },
    );
  });
});

describe("tokens:preview", () => {
  test("issues nothing, spends nothing, and says why", async () => {
    const client = await testClient({ tokens: { expires_after: 3_600 } });
    const answer = await preview(client, { ...CREDENTIALS, scope: "shoes:read nothing:here", expiration_time: "900" });
    assert.equal(answer.json?.granted, true, answer.text);
    assert.deepEqual(answer.json.scopes_dropped, [{ scope: "nothing:here", rule: "allowed_scopes" }]);
    const lifetime = answer.json.lifetime as { readonly limited_by: string; readonly granted: number };
    assert.deepEqual([lifetime.limited_by, lifetime.granted], ["application", 900]);
    assert.ok(!("jti" in (answer.json.claims as object)));
    const refused = await preview(client, { ...CREDENTIALS, expiration_time: "3601" });
    assert.deepEqual([refused.status, refused.json?.granted, refused.json?.status], [200, false, 400]);
    assert.match(String(refused.json?.error_description), /above the maximum of 3600 seconds, set by the application/);
    const list = await client.tenant.manage("GET", `/applications/${client.application.key.applicationId}/tokens`);
    assert.deepEqual(list.json?.tokens, []);
    const decision = await client.tenant.manage("GET", `/decisions/${refused.headers.get("x-trace-id")}`);
    assert.match(decision.text, /"kind":"preview"/);
  });

  test("needs the client's secret, or tokens:read; and takes nothing that could be spent", async () => {
    const client = await testClient();
    const other = await testClient({ tenant: client.tenant, server: client.resourceServer });
    assertInvalidClient(await preview(client, CREDENTIALS, ""));
    assertInvalidClient(await preview(client, CREDENTIALS, other.application.authorization));
    const bearer = async (scope: string) => `Bearer ${await client.tenant.managementToken(scope)}`;
    assert.equal((await preview(client, CREDENTIALS, await bearer("tokens:read"))).json?.granted, true);
    assertRefused(await preview(client, CREDENTIALS, await bearer("tokens:introspect")), 403, "insufficient_scope");
    for (const name of ["code", "refresh_token", "subject_token", "actor_token", "code_verifier"]) {
      assertRefused(await preview(client, { ...CREDENTIALS, [name]: "x" }), 400, "invalid_request");
    }
    const flow = await testCodeFlow({ tenant: client.tenant, config: { confidentiality: "public" } });
    const form = { grant_type: "authorization_code", client_id: flow.application.clientId, subject: flow.identityId };
    assertInvalidClient(await preview(flow, form, ""));
    const { client_id: _, ...asked } = form;
    assert.equal((await preview(flow, asked, await bearer("tokens:read"))).json?.granted, true);
  });

  test("tells a client no name of a person, by the id alone; whoever reads tokens may know it", async () => {
    const bearerOf = async ({ tenant }: Around) => `Bearer ${await tenant.managementToken("tokens:read")}`;
    for (const [config, tokens] of [
      [{ subject_type: "pairwise" }, {}],
      [{}, { subject_field: "email" }],
      [{}, { subject_field: "username" }],
    ] as const) {
      const flow = await testCodeFlow({ config, tokens });
      for (const grant_type of ["authorization_code", "refresh_token"]) {
        const form = { grant_type, subject: flow.identityId, granted_scope: "openid", remaining_seconds: "60" };
        const own = await preview(flow, form);
        assert.match(own.text, /"granted":true/);
        assert.doesNotMatch(own.text, /"sub":|@example\.com/);
        assert.match((await preview(flow, form, await bearerOf(flow))).text, /"sub":"/);
      }
    }
  });

  test("is had where the issuer is the realm: there by its client, below the application by whoever reads tokens", async () => {
    const client = await testClient({ config: { issuer_mode: "realm" } });
    const { tenant, application } = client;
    const { client_id, client_secret } = { client_id: application.clientId, client_secret: application.clientSecret };
    const issued = await tenant.token(application, CREDENTIALS);
    await assertForeseen(client, await preview(client, CREDENTIALS), issued);
    await assertForeseen(client, await preview(client, { ...CREDENTIALS, client_id, client_secret }, ""), issued);
    const below = `${tenant.server.url}${applicationPath(application.key)}/tokens:preview`;
    const authorization = `Bearer ${await tenant.managementToken("tokens:read")}`;
    await assertForeseen(client, await postForm(below, CREDENTIALS, { authorization }), issued);
    const other = await testClient({ tenant, server: client.resourceServer });
    assertInvalidClient(await preview(client, CREDENTIALS, other.application.authorization), 404);
  });

  test("of a person says which scopes the roles drop, and of an exchange what is left of the token", async () => {
    const flow = await testCodeFlow();
    const form = { grant_type: "authorization_code", subject: flow.identityId, scope: "openid shoes:read other" };
    const answer = await preview(flow, form);
    assert.deepEqual(answer.json?.scopes_dropped, [{ scope: "other", rule: "allowed_scopes" }], answer.text);
    assert.deepEqual(
      [answer.json?.refresh_token, answer.json?.id_token],
      [{ expires_in: 3_600 }, { expires_in: 3_600 }],
    );
    const unknown = await preview(flow, { ...form, subject: "0123456789abcdef" });
    assert.deepEqual([unknown.json?.granted, unknown.json?.error], [false, "invalid_grant"]);
    const short = await preview(flow, { ...form, consent_seconds: "60", expiration_time: "61" });
    assert.match(String(short.json?.error_description), /set by the person's consent/);
    const { access } = await flow.logIn({}, { expiration_time: "100" });
    const exchange = {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token_id: String(decodeJwt(access).jti),
    };
    const handed = await preview(flow, exchange);
    assert.deepEqual([handed.json?.granted, handed.json?.expires_in], [true, 100], handed.text);
    assert.equal(handed.json?.id_token, undefined, "no ID token comes of an exchange");
    const token = { subject_token: access, subject_token_type: "urn:ietf:params:oauth:token-type:access_token" };
    const { subject_token_id: _, ...asked } = exchange;
    await assertForeseen(flow, handed, await flow.tenant.token(flow.application, { ...asked, ...token }));
  });
});
