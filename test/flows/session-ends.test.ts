import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sessionsJob } from "../../src/jobs/sessions.ts";
import { findIdentity, updateIdentitySettings } from "../../src/resources/identity/queries.ts";
import { suspend } from "../support/login-flow.ts";
import { assertDead, isLiveRefresh } from "../support/session-ends.ts";
import { assertTold, authorize, idClaims, logInByCode, newPerson } from "../support/single-sign-on.ts";
import { testServer } from "../support/test-server.ts";
import { testTenant } from "../support/test-tenant.ts";

const NONE = { prompt: "none" };

describe("the end of a session", () => {
  test("is remembered for as long as a grant of it may live, and then it is forgotten", async () => {
    // A server of its own: the job looks at every tenant.
    const server = await testServer();
    const at = await newPerson({ tenant: await testTenant({ server }) });
    await logInByCode(at);
    await suspend(at.flow.tenant, at.identityId);
    const { deps } = at.flow.tenant.server;
    const isKept = async (laterSeconds: number): Promise<boolean> => {
      const clock = { ...deps.clock, nowMs: () => deps.clock.nowMs() + laterSeconds * 1_000 };
      await sessionsJob.run({ ...deps, clock });
      const rows = await deps.database.maintain((session) =>
        session.query("SELECT 1 AS one FROM sessions WHERE tenant_id = $1", [at.flow.tenant.tenantId]),
      );
      return rows.length > 0;
    };
    const longest = 86_400 + 60;
    assert.equal(await isKept(longest), true);
    assert.equal(await isKept(longest + 3_610), false);
    await server.stop();
  });

  test("comes with a suspension and stays: its tokens are dead, offline_access or not until the person is back (rule 13)", async () => {
    const at = await newPerson();
    const tokens = await logInByCode(at);
    const offline = await logInByCode(at, at.flow.application, { prompt: "login", scope: "openid offline_access" });
    const { tenant } = at.flow;
    await suspend(tenant, at.identityId);
    assertTold(await authorize(at, at.flow.application, NONE), "login_required");
    await assertDead(at.flow, tokens);
    const db = tenant.server.deps.database.tenants([tenant.tenantId]);
    const key = { ...tenant.realm, identityId: at.identityId };
    const found = await findIdentity(db, key);
    assert.ok(found);
    const settings = { display_name: found.displayName, status: "active" as const, traits: found.traits };
    await updateIdentitySettings(db, key, settings, tenant.server.deps.clock.nowMs());
    assertTold(await authorize(at, at.flow.application, NONE), "login_required");
    assert.deepEqual(await tenant.introspect(at.flow.application, tokens.access), { active: false });
    assert.equal(
      await isLiveRefresh(at.flow, offline),
      true,
      "what was granted for the time without a session goes on",
    );
    const back = idClaims(await logInByCode(at));
    assert.notEqual(back.sid, idClaims(tokens).sid, "another session");
  });

  test("comes when somebody else logs in in its browser: nothing would lead to it any more", async () => {
    const at = await newPerson();
    const tokens = await logInByCode(at);
    const other = { ...at, email: "other@example.com" };
    await at.flow.tenant.addIdentity(other.email);
    const theirs = await logInByCode(other, at.flow.application, { prompt: "login" });
    assert.deepEqual(await at.flow.tenant.introspect(at.flow.application, tokens.access), { active: false });
    assert.equal(await isLiveRefresh(at.flow, tokens), false);
    assert.equal(await isLiveRefresh(at.flow, theirs), true);
  });

  test("kills what is issued from its codes afterwards", async () => {
    const at = await newPerson();
    await logInByCode(at);
    const answer = await authorize(at, at.flow.application, NONE);
    await suspend(at.flow.tenant, at.identityId);
    const code = new URL(answer.headers.get("location") ?? "").searchParams.get("code") ?? "";
    const form = { grant_type: "authorization_code", code, code_verifier: "x".repeat(43) };
    const refused = await at.flow.tenant.token(at.flow.application, form);
    assert.equal(refused.json?.error, "invalid_grant");
  });
});
