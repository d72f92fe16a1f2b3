import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { hexId } from "../../src/platform/random.ts";
import { postForm } from "../support/http.ts";
import { testLogin } from "../support/test-browser.ts";
import { type TestApplication, type TestTenant, testTenant } from "../support/test-tenant.ts";

const REDIRECT_URI = "https://client.example/callback";
const MEMBERS = ["active", "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "scope", "azp", "bi_p", "bi_t", "bi_r"];

/** The code that was mailed to an address last, from the outbox: the tenant is a real one. */
async function readMailedCode(tenant: TestTenant, email: string): Promise<string> {
  await tenant.server.app.settled();
  const outbox = join(tenant.server.dataDirectory, "outbox");
  for (const name of (await readdir(outbox)).filter((one) => one.endsWith(".eml"))) {
    const mail = await readFile(join(outbox, name), "utf8");
    const code = /^\s*([0-9]{6})\s*$/m.exec(mail)?.[1];
    if (mail.includes(email) && code !== undefined) return code;
  }
  throw new Error("no mail with a code");
}

function addPublicApplication(
  tenant: TestTenant,
  configId: string,
  format: "self_contained" | "referential",
): Promise<TestApplication> {
  return tenant.addApplication({
    authenticator_config_id: configId,
    protocol_config: {
      type: "oidc",
      confidentiality: "public",
      grant_type: ["authorization_code"],
      redirect_uris: [REDIRECT_URI],
      pkce: "s256",
      token_format: format,
      token_configuration: { expires_after: 86_400 },
      refresh_token_configuration: { enabled: true, absolute_duration: 86_400, rotate: true },
    },
  });
}

for (const format of ["self_contained", "referential"] as const) {
  test(`a public client finishes a login by emailed code and gets a token of 900 seconds out of a day (${format})`, async () => {
    const tenant = await testTenant({ kind: "production" });
    const email = `${hexId(tenant.server.deps.random)}@example.com`;
    await tenant.addIdentity(email);
    const application = await addPublicApplication(tenant, await tenant.addAuthenticatorConfig(), format);
    const login = await testLogin(tenant, application, { parameters: { scope: "openid email" } });
    await login.submit("send", { email });
    const callback = await login.finish(await login.submit("verify", { code: await readMailedCode(tenant, email) }));
    const body = `grant_type=authorization_code&code=${callback.searchParams.get("code")}&scope=openid%20email&client_id=${application.clientId}&code_verifier=${login.verifier}&expiration_time=900`;
    const answer = await postForm(`${application.issuer}/token`, body);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json?.expires_in, 900);
    const facts = await introspectAsAdministrator(tenant, String(answer.json?.access_token));
    assert.equal(Number(facts.exp) - Number(facts.iat), 900);
    for (const member of MEMBERS) assert.ok(member in facts, member);

    const form = {
      grant_type: "refresh_token",
      refresh_token: String(answer.json?.refresh_token),
      client_id: application.clientId,
    };
    const refreshed = await postForm(`${application.issuer}/token`, { ...form, expiration_time: "60" });
    assert.equal(refreshed.json?.expires_in, 60, refreshed.text);
    const renewed = await introspectAsAdministrator(tenant, String(refreshed.json?.access_token));
    assert.equal(Number(renewed.exp) - Number(renewed.iat), 60);
  });
}

async function introspectAsAdministrator(tenant: TestTenant, token: string): Promise<Record<string, unknown>> {
  const { tenantId, realmId } = tenant.realm;
  const url = `${tenant.server.url}/v1/tenants/${tenantId}/realms/${realmId}/introspect`;
  const answer = await postForm(url, { token }, { authorization: `Bearer ${await tenant.managementToken()}` });
  assert.equal(answer.status, 200, answer.text);
  return answer.json ?? {};
}
