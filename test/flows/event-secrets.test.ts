import assert from "node:assert/strict";
import { test } from "node:test";
import { listAllEvents, type ShownEvent } from "../support/events.ts";
import { postForm } from "../support/http.ts";
import { type TenantInUse, tenantInUse } from "../support/tenancy-scenario.ts";
import { TEST_CODE } from "../support/test-browser.ts";
import { testCodeFlow } from "../support/test-code-flow.ts";
import { exchange } from "../support/token-exchange.ts";

/** What would let somebody in, or tell who has an account. */
async function secretsOf(used: TenantInUse): Promise<readonly [string, string][]> {
  const { tenant, flow, job } = used;
  return Object.entries({
    "a client's secret": flow.application.clientSecret,
    "the job's secret": job.clientSecret,
    "the administration's secret": tenant.management.clientSecret,
    "an access token": used.access,
    "a refresh token": used.refresh,
    "a token of the job's": used.jobToken,
    "an administrator's token": await tenant.managementToken(),
    "a code": used.code,
    "a code's verifier": used.codeVerifier,
    "a verifier": used.verifier,
    "a one-time code": `"${TEST_CODE}"`,
    "an address": used.person.email,
    "what the browser holds": [...used.verifiedBrowser.cookies.values()].join(),
  });
}

test("no event tells a secret, whatever a tenant did", async () => {
  const used = await tenantInUse();
  const { tenant } = used;
  await tenant.server.app.settled();
  const shown: ShownEvent[] = [];
  for (const realm of [tenant.realm, tenant.adminRealm]) shown.push(...(await listAllEvents(tenant, {}, realm)));
  const types = new Set(shown.map(({ type }) => type));
  for (const type of ["TokenRequest", "AuthorizeRequest", "AuthenticationTransaction", "TokenOperation"]) {
    assert.ok(types.has(type), `${type} is not among them: nothing is proved of it`);
  }
  const stored = await tenant.server.deps.database.maintain((session) =>
    session.query(
      `SELECT x::text AS text FROM events x WHERE tenant_id = $1 UNION ALL SELECT x::text FROM decisions x WHERE tenant_id = $1
       UNION ALL SELECT decision::text FROM tokens WHERE tenant_id = $1`,
      [tenant.tenantId],
    ),
  );
  const told = [...shown.map((event) => JSON.stringify(event)), ...stored.map(({ text }) => String(text))].join("\n");
  for (const [name, secret] of await secretsOf(used)) {
    assert.ok(secret.length >= 8, `${name} is missing`);
    assert.ok(!told.includes(secret), `an event tells ${name}`);
  }
});

test("no decision tells a token that its client sent as something else", async () => {
  const flow = await testCodeFlow({ config: { token_format: "referential" } });
  const { tenant, application } = flow;
  const { access, refresh } = await flow.logIn();
  const answers = [
    await flow.refresh(refresh, { scope: access }),
    await exchange(tenant, application, access, { audience: refresh, scope: refresh }),
    await postForm(
      `${application.issuer}/tokens:preview`,
      { grant_type: "authorization_code", subject: refresh, scope: access },
      { authorization: application.authorization },
    ),
  ];
  await tenant.server.app.settled();
  for (const answer of answers) {
    const { json, text } = await tenant.manage("GET", `/decisions/${answer.headers.get("x-trace-id")}`);
    assert.ok(Array.isArray(json?.decisions) && json.decisions.length > 0, answer.text);
    for (const token of [access, refresh]) assert.ok(!text.includes(token.slice(-20)), text);
  }
});
