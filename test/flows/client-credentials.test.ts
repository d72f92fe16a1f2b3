import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApplicationBody } from "../../src/resources/application/schema.ts";
import { testTenant } from "../support/test-tenant.ts";

function bodyOf(format: "self_contained" | "referential"): ApplicationBody {
  return {
    protocol_config: {
      type: "oauth2",
      grant_type: ["client_credentials"],
      allowed_scopes: ["shoes:read", "shoes:write"],
      token_format: format,
      token_configuration: { expires_after: 86_400 },
    },
  };
}

for (const format of ["self_contained", "referential"] as const) {
  test(`a client asks for 900 seconds out of a day and gets exactly that (${format})`, async () => {
    const tenant = await testTenant();
    const resourceServer = await tenant.addResourceServer();
    const application = await tenant.addApplication(bodyOf(format), resourceServer);
    const answer = await tenant.token(application, {
      grant_type: "client_credentials",
      scope: "shoes:read",
      expiration_time: "900",
    });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json?.expires_in, 900);
    assert.equal(answer.json?.refresh_token, undefined); // RFC 6749 section 4.4.3
    assert.equal(answer.json?.scope, "shoes:read");
    assert.deepEqual(answer.json?.lifetime, {
      requested: 900,
      granted: 900,
      maximum: 86_400,
      mode: "exact",
      limited_by: "application",
    });
    const facts = await tenant.introspect(application, String(answer.json?.access_token));
    assert.equal(Number(facts.exp) - Number(facts.iat), 900);
    assert.equal(facts.nbf, facts.iat);
    for (const member of [
      "active",
      "iss",
      "sub",
      "aud",
      "exp",
      "nbf",
      "iat",
      "jti",
      "scope",
      "azp",
      "bi_p",
      "bi_t",
      "bi_r",
    ]) {
      assert.ok(member in facts, member);
    }
  });

  test(`a token is dead at the second of its exp (${format})`, async () => {
    const tenant = await testTenant();
    const resourceServer = await tenant.addResourceServer();
    const application = await tenant.addApplication(bodyOf(format), resourceServer);
    const answer = await tenant.token(application, { grant_type: "client_credentials", expiration_time: "900" });
    const token = String(answer.json?.access_token);
    await tenant.advance(890);
    assert.equal((await tenant.introspect(application, token)).active, true);
    await tenant.advance(10);
    assert.deepEqual(await tenant.introspect(application, token), { active: false });
  });

  test(`a revoked token is inactive and no longer listed (${format})`, async () => {
    const tenant = await testTenant();
    const resourceServer = await tenant.addResourceServer();
    const application = await tenant.addApplication(bodyOf(format), resourceServer);
    const answer = await tenant.token(application, { grant_type: "client_credentials" });
    const path = `/applications/${application.key.applicationId}/tokens`;
    const listed = await tenant.manage("GET", path);
    assert.equal(listed.json?.total_size, 1, listed.text);
    const [row] = Object(listed.json).tokens;
    assert.equal(row.token_format, format);
    assert.equal(Number(row.expires) - Number(row.issued_at), 86_400);
    const removed = await tenant.manage("DELETE", `${path}/${row.id}`);
    assert.equal(removed.status, 200);
    assert.equal(removed.text, "");
    assert.deepEqual(await tenant.introspect(application, String(answer.json?.access_token)), { active: false });
    assert.equal((await tenant.manage("GET", path)).json?.total_size, 0);
  });
}
