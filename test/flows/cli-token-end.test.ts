import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { administratorOf } from "../support/administrator.ts";
import { decodeJwt } from "../support/jwt.ts";
import { assertRefused, type CliUser, cliUser, jsonOf } from "../support/run-cli.ts";
import { testCodeFlow, tokensOf } from "../support/test-code-flow.ts";
import type { TestApplication, TestResourceServer, TestTenant } from "../support/test-tenant.ts";
import { testTenant } from "../support/test-tenant.ts";
import { exchange } from "../support/token-exchange.ts";

/** An application whose tokens are of one format, and a way to have them. */
async function clientOf(
  tenant: TestTenant,
  format: "referential" | "self_contained" = "referential",
  server: TestResourceServer | undefined = undefined,
) {
  const application = await tenant.addApplication(
    {
      protocol_config: {
        type: "oauth2",
        grant_type: ["client_credentials"],
        allowed_scopes: ["shoes:read"],
        token_format: format,
        token_configuration: { expires_after: 3600 },
      },
    },
    server ?? (await tenant.addResourceServer()),
  );
  return {
    application,
    issue: async (form: Record<string, string> = {}) => {
      const { json } = await tenant.token(application, { grant_type: "client_credentials", ...form });
      return String(json?.access_token);
    },
    isActive: async (token: string) => (await tenant.introspect(application, token)).active,
  };
}

function placeOf({ key }: TestApplication): string[] {
  return ["--realm", key.realmId, "--application", key.applicationId];
}

/** The id of a token, as a list shows it. */
async function firstIdOf(admin: CliUser, application: TestApplication): Promise<string> {
  const { tokens } = jsonOf(await admin.run(["token", "list", ...placeOf(application)]));
  assert.ok(Array.isArray(tokens));
  return String(tokens[0].id);
}

/** Seconds that were left when they were counted: a slow machine's are fewer by some. */
function assertAbout(seconds: unknown, expected: number): void {
  const left = Number(seconds);
  assert.ok(left > expected - 10 && left < expected + 10, `${left}, and not about ${expected}`);
}

describe("mayfly token revoke says no more than it knows", () => {
  test("of an opaque token of another realm it does not say that it is revoked, until it is told where it is", async () => {
    const tenant = await testTenant();
    const admin = await cliUser(tenant.management);
    const { application, issue, isActive } = await clientOf(tenant);
    const token = await issue();
    const guessed = await admin.run(["token", "revoke"], { input: token });
    assertRefused(guessed, /not known whether the token has ended/, /may still be live/, /--realm ID --application ID/);
    assert.equal(await isActive(token), true);
    const { realmId } = application.key;
    const half = await admin.run(["token", "revoke", "--realm", realmId], { input: token });
    assertRefused(half, /--realm needs --application here/);
    // Another application of the realm is enough to find the token: the server says whose it is.
    const other = await clientOf(tenant);
    const revoked = await admin.run(["token", "revoke", ...placeOf(other.application)], { input: token });
    assert.deepEqual([revoked.code, revoked.stderr], [0, "Revoked: the token is not active any more.\n"]);
    assert.equal(await isActive(token), false);
    const again = await admin.run(["token", "revoke", ...placeOf(application)], { input: token });
    assert.deepEqual([again.code, again.stderr], [0, "The token is dead: revoked.\n"]);
    assertRefused(await admin.run(["token", "revoke"], { input: token }), /not known whether the token has ended/);
  });

  test("of a refresh token it says that it is revoked when it is told where it is, of a spent one that its family is", async () => {
    const flow = await testCodeFlow();
    const admin = await cliUser(flow.tenant.management);
    const { refresh } = await flow.logIn();
    const spent = { input: refresh };
    const live = { input: tokensOf(await flow.refresh(refresh)).refresh };
    assertRefused(await admin.run(["token", "revoke"], live), /not known whether the token has ended/);
    assert.equal((await flow.tenant.introspect(flow.application, live.input)).active, true);
    const place = placeOf(flow.application);
    const shortened = jsonOf(await admin.run(["token", "shorten", "-e", "10m", ...place], live));
    assertAbout(shortened.expires_in, 600);
    const revoked = await admin.run(["token", "revoke", ...place], spent);
    assert.deepEqual([revoked.code, revoked.stderr], [0, "The token is dead: revoked.\n"]);
    assert.equal((await flow.tenant.introspect(flow.application, live.input)).active, false);
  });

  test("a client's own token that was not valid yet is revoked; of one that it finds dead it does not know more", async () => {
    const tenant = await testTenant();
    const { application, issue } = await clientOf(tenant, "self_contained");
    const user = await cliUser(application);
    const later = await issue({ not_before: String(Number(decodeJwt(await issue()).iat) + 600) });
    const revoked = await user.run(["token", "revoke"], { input: later });
    assert.deepEqual(
      [revoked.code, revoked.stderr],
      [0, "Revoked: the token was not valid yet, and now never will be.\n"],
    );
    const again = await user.run(["token", "revoke"], { input: later });
    assertRefused(again, /not known whether the token has ended: it was not active before/, /\n.*tokens:read/);
    const shortened = await user.run(["token", "shorten", "-e", "60"], { input: later });
    assertRefused(shortened, /the token got no other end: it has expired, was revoked, or/);
    const admin = await cliUser(tenant.management);
    const seen = await admin.run(["token", "shorten", "-e", "60"], { input: later });
    assertRefused(seen, /nothing was shortened: the token is dead: revoked\n/);
  });

  test("a token that is not valid yet, of somebody else, is not dead", async () => {
    const tenant = await testTenant();
    const { issue } = await clientOf(tenant, "self_contained");
    const { robot } = await administratorOf(tenant, ["tokens:read", "tokens:introspect"]);
    const user = await cliUser(robot);
    const input = await issue({ not_before: String(Number(decodeJwt(await issue()).iat) + 600) });
    const revoked = await user.run(["token", "revoke"], { input });
    assertRefused(revoked, /the token is not valid yet, and will be, and the profile may not end it/, /tokens:delete/);
    const shortened = await user.run(["token", "shorten", "-e", "60"], { input });
    assertRefused(shortened, /nothing was shortened: it is of another application, and the profile may not/);
  });

  test("a live token that it may end and not see is revoked", async () => {
    const tenant = await testTenant();
    const { issue, isActive } = await clientOf(tenant, "self_contained");
    const { robot } = await administratorOf(tenant, ["tokens:delete"]);
    const user = await cliUser(robot);
    const input = await issue();
    const revoked = await user.run(["token", "revoke"], { input });
    assert.deepEqual([revoked.code, revoked.stderr], [0, "Revoked.\n"]);
    assert.equal(await isActive(input), false);
    assertRefused(await user.run(["token", "revoke"], { input }), /not known whether the token has ended/);
  });

  test("a token whose last use it took by asking is not revoked by it", async () => {
    const tenant = await testTenant();
    const api = await clientOf(tenant);
    const introspectors = [api.application.key.applicationId];
    const { application } = await clientOf(tenant, "referential", await tenant.addResourceServer({ introspectors }));
    const { json } = await tenant.token(application, { grant_type: "client_credentials", max_uses: "1" });
    const revoked = await (await cliUser(api.application)).run(["token", "revoke"], {
      input: String(json?.access_token),
    });
    assertRefused(revoked, /the token is not active any more, but not by this\./, /tokens:delete/);
  });

  test("a damaged copy of a token ends nothing, and is not said to be dead", async () => {
    const tenant = await testTenant();
    const { application, issue, isActive } = await clientOf(tenant, "self_contained");
    const token = await issue();
    const [head, payload, signature = ""] = token.split(".");
    const first = signature.startsWith("A") ? "B" : "A";
    const damaged = { input: [head, payload, `${first}${signature.slice(1)}`].join(".") };
    const user = await cliUser(application);
    const own = await user.run(["token", "revoke"], damaged);
    assertRefused(own, /not known whether the token has ended: .* or the text is not as it was issued/);
    const admin = await cliUser(tenant.management);
    const seen = await admin.run(["token", "revoke"], damaged);
    assertRefused(seen, /nothing was revoked: a token with this id is alive, but the text is not as it was issued/);
    const shortened = await admin.run(["token", "shorten", "-e", "60"], damaged);
    assertRefused(shortened, /nothing was shortened: a token with this id is not dead, but the text is not as/);
    assert.equal(await isActive(token), true);
  });

  test("a token of another server or tenant is none that it knows, whatever it says of itself", async () => {
    const tenant = await testTenant();
    const admin = await cliUser(tenant.management);
    const { application, issue } = await clientOf(tenant, "self_contained");
    const claims = decodeJwt(await issue());
    const forge = (changed: object) =>
      ["e30", Buffer.from(JSON.stringify({ ...claims, ...changed })).toString("base64url"), "c2ln"].join(".");
    const elsewhere = [
      forge({ iss: "https://login.example.com", jti: undefined }),
      forge({
        azp: `tenants/00000000000000ff/realms/${application.key.realmId}/applications/${application.key.applicationId}`,
      }),
    ];
    for (const input of elsewhere)
      assertRefused(await admin.run(["token", "revoke"], { input }), /not known whether the token has ended/);
  });

  test("by an id it says whether there was such a token, and which scope is needed to know", async () => {
    const tenant = await testTenant();
    const admin = await cliUser(tenant.management);
    const { application, issue, isActive } = await clientOf(tenant);
    const token = await issue();
    const id = await firstIdOf(admin, application);
    assertRefused(
      await admin.run(["token", "revoke", id]),
      /nothing was revoked: .* has no such token/,
      /Name its place/,
    );
    assert.equal(await isActive(token), true);
    const revoked = await admin.run(["token", "revoke", id, ...placeOf(application)]);
    assert.deepEqual([revoked.code, revoked.stderr], [0, "Revoked.\n"]);
    assert.equal(await isActive(token), false);
    const again = await admin.run(["token", "revoke", id, ...placeOf(application)]);
    assert.match(again.stderr, /^Revoked\. The token itself was not active before: revoked\.\n/);
  });

  test("what is neither an id nor a token is said to be no id; a token is not taken from an argument", async () => {
    const user = await cliUser((await testTenant()).management);
    for (const command of [["revoke"], ["shorten", "-e", "60"]]) {
      for (const none of ["undefined", "AZ6_not-an-id"])
        assertRefused(
          await user.run(["token", ...command, none]),
          /this is no token's id\nSee them: mayfly token list/,
        );
      for (const token of ["mayfly_at_x", "eyJ.e30.sig"])
        assertRefused(await user.run(["token", ...command, token]), /not taken from an argument/);
    }
  });
});

describe("mayfly token shorten", () => {
  test("tells the end by its tenant's clock, which is not this machine's", async () => {
    const tenant = await testTenant();
    const admin = await cliUser(tenant.management);
    const { application, issue } = await clientOf(tenant);
    await tenant.advance(86_400);
    const token = await issue();
    const place = placeOf(application);
    const held = jsonOf(await admin.run(["token", "shorten", "-e", "5m", ...place], { input: token }));
    assertAbout(held.expires_in, 300);
    const byId = ["token", "shorten", await firstIdOf(admin, application), "-e", "4m", ...place];
    assertAbout(jsonOf(await admin.run(byId)).expires_in, 240);
    const table = await admin.run([...byId, "-o", "table"]);
    assert.match(table.stdout, /^expires +in (4 minutes|3 minutes \d+ seconds)/);
  });

  test("finds an opaque token of its realm by who may see it, and else asks where it is", async () => {
    const tenant = await testTenant();
    const admin = await cliUser(tenant.management);
    const { application, issue } = await clientOf(tenant);
    const token = await issue();
    const shorten = (...more: string[]) => admin.run(["token", "shorten", "-e", "5m", ...more], { input: token });
    assertRefused(await shorten(), /nothing was shortened: it is no live token of/, /--realm ID --application ID/);
    assertRefused(await shorten("--realm", application.key.realmId), /--realm needs --application here/);
    const other = await clientOf(tenant);
    assertAbout(jsonOf(await shorten(...placeOf(other.application))).expires_in, 300);
  });

  test("of a token that is used up says that what was exchanged from it ends by then", async () => {
    const tenant = await testTenant();
    const { application, issue } = await clientOf(tenant);
    const input = await issue({ max_uses: "1" });
    const child = tokensOf(await exchange(tenant, application, input)).access;
    const user = await cliUser(tenant.management);
    const shortened = await user.run(["token", "shorten", "-e", "5m", ...placeOf(application)], { input });
    assert.equal(shortened.stderr, "The token is used up. What was exchanged from it ends by then.\n");
    assertAbout(jsonOf(shortened).expires_in, 300);
    assert.equal((await tenant.introspect(application, child)).exp, jsonOf(shortened).exp);
  });
});
