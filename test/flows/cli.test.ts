import assert from "node:assert/strict";
import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { decodeJwt } from "../support/jwt.ts";
import { endTokensLate } from "../support/late-revocations.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import { assertRefused, cliUser, jsonOf } from "../support/run-cli.ts";
import { sharedServer } from "../support/test-server.ts";
import { type TestApplication, type TestTenant, testTenant } from "../support/test-tenant.ts";
import { waitUntil } from "../support/wait-until.ts";

/** An application whose tokens live an hour at most. */
async function shopApplication(tenant: TestTenant): Promise<TestApplication> {
  const protocol_config = {
    type: "oauth2" as const,
    grant_type: ["client_credentials" as const],
    allowed_scopes: ["shoes:read"],
    token_configuration: { expires_after: 3600 },
  };
  return tenant.addApplication({ protocol_config }, await tenant.addResourceServer());
}

describe("mayfly login", () => {
  test("takes what the server on this machine wrote, keeps no copy of the secret, and the next command works", async () => {
    const server = await sharedServer();
    const user = await cliUser();
    const login = await user.run(["login", "--data-dir", server.dataDirectory]);
    assert.equal(login.code, 0, login.stderr);
    assert.match(login.stderr, /Next: mayfly token issue --expires-in 15m/);
    const store = join(user.directory, "config/mayfly/profiles.json");
    assert.equal((await stat(store)).mode & 0o777, 0o600);
    const { client_secret } = JSON.parse(await readFile(join(server.dataDirectory, "bootstrap.json"), "utf8"));
    assert.ok(!(await readFile(store, "utf8")).includes(client_secret));
    const issued = jsonOf(await user.run(["token", "issue", "--expires-in", "15m", "--scope", "realms:read"]));
    assert.deepEqual([issued.expires_in, issued.scope], [900, "realms:read"]);
    assert.equal((await user.run(["logout"])).code, 0);
    assertRefused(await user.run(["token", "issue"]), /nobody has logged in\nLog in first: mayfly login/);
    assertRefused(await user.run(["logout", "--profile", "nobody"]), /there is no profile "nobody"/);
  });

  test("takes an issuer and a secret from standard input, and keeps them for this user alone", async () => {
    const { issuer, clientId, clientSecret } = await shopApplication(await testTenant());
    const user = await cliUser();
    const login = ["login", "--profile", "shop", "--issuer", issuer, "--client-id", clientId];
    assertRefused(await user.run(login, { input: "wrong\n" }), /invalid_client/, /Log in again/);
    assert.equal((await user.run(login, { input: `${clientSecret}\n` })).code, 0);
    const store = join(user.directory, "config/mayfly/profiles.json");
    assert.equal((await stat(store)).mode & 0o777, 0o600);
    const issued = jsonOf(await user.run(["token", "issue", "--profile", "shop", "-e", "60"]));
    assert.equal(issued.expires_in, 60);
  });

  test("finds another application of the tenant by its ids, and its secret in a file or the environment", async () => {
    const tenant = await testTenant();
    const { key, clientId, clientSecret } = await shopApplication(tenant);
    const user = await cliUser(tenant.management);
    const place = ["--realm", key.realmId, "--application", key.applicationId, "--client-id", clientId];
    const file = join(user.directory, "secret");
    await writeFile(file, clientSecret);
    const login = await user.run(["login", "--profile", "shop", ...place, "--client-secret-file", file]);
    assert.equal(login.code, 0, login.stderr);
    assert.equal(jsonOf(await user.run(["token", "issue", "--profile", "shop", "-e", "60"])).expires_in, 60);
  });

  test("takes no secret from an argument, and none over http but on this machine", async () => {
    const user = await cliUser();
    const secret = await user.run(["login", "--client-secret", "hidden"]);
    assertRefused(secret, /not taken from an argument: it would stay in the shell's history/);
    assert.ok(!secret.stderr.includes("hidden"));
    const path =
      "/v1/tenants/00000000000000ab/realms/00000000000000cd/applications/5f1d7a52-7d0c-4c6e-9a53-6b1f0a5be001";
    const http = ["login", "--issuer", `http://login.example.com${path}`, "--client-id", "x"];
    assertRefused(await user.run(http), /not https/);
    assertRefused(await user.run(["login"]), /bootstrap.json/, /mayfly start/);
  });

  test("refuses a store that others can read", async () => {
    const user = await cliUser();
    const server = await sharedServer();
    await user.run(["login", "--data-dir", server.dataDirectory]);
    const store = join(user.directory, "config/mayfly/profiles.json");
    await chmod(store, 0o644);
    assertRefused(await user.run(["keys", "list"]), /can be read by others\nRun: chmod 0600/);
  });
});

describe("mayfly token", () => {
  test("issue asks for a lifetime, a scope, claims and a name, and prints the token alone where asked to", async () => {
    const user = await cliUser(await shopApplication(await testTenant()));
    const args = ["token", "issue", "-e", "1h", "-s", "shoes:read", "--claims", '{"build": "7"}', "--name", "nightly"];
    const issued = jsonOf(await user.run(args));
    assert.deepEqual(issued.lifetime, {
      requested: 3600,
      granted: 3600,
      maximum: 3600,
      mode: "exact",
      limited_by: "application",
    });
    const claims = JSON.parse(Buffer.from(String(issued.access_token).split(".")[1] ?? "", "base64url").toString());
    assert.deepEqual([claims.bi_custom.build, claims.exp - claims.iat], ["7", 3600]);
    const alone = await user.run([...args, "--output", "token"]);
    assert.match(alone.stdout, /^eyJ[\w.-]+\n$/);
  });

  test("issue, refused, says which ceiling stands in the way and what to type instead", async () => {
    const user = await cliUser(await shopApplication(await testTenant()));
    const refused = await user.run(["token", "issue", "--expires-in", "2h"]);
    assertRefused(
      refused,
      /above the maximum of 3600 seconds, set by the application .*\(trace [0-9a-f]{32}\)\n/,
      /--expires-in 1h/,
    );
    assertRefused(await user.run(["token", "issue", "-e", "2 hours"]), /Write it like 15m, 1h/);
    assertRefused(await user.run(["token", "issue", "-s", "shoes:steal"]), /invalid_scope/, /allowed_scopes/);
    assertRefused(await user.run(["token", "isue"]), /Did you mean issue\?/);
  });

  test("inspect proves a token's lifetime and who decided it; revoke ends it", async () => {
    const tenant = await testTenant();
    const user = await cliUser(tenant.management);
    const issued = await user.run(["token", "issue", "-e", "15m", "-s", "tokens:introspect"]);
    const seen = jsonOf(await user.run(["token", "inspect"], { input: issued.stdout }));
    assert.deepEqual([seen.active, seen.lifetime_seconds, seen.scope], [true, 900, "tokens:introspect"]);
    const ledger = seen.ledger as { basisSeconds: number; ceilings: unknown[] };
    assert.ok(ledger.ceilings.length > 0, JSON.stringify(ledger));
    const revoked = await user.run(["token", "revoke", "-"], { input: issued.stdout });
    assert.deepEqual([revoked.code, revoked.stderr], [0, "Revoked: the token is not active any more.\n"]);
    assert.deepEqual(jsonOf(await user.run(["token", "inspect"], { input: issued.stdout })), { active: false });
    assertRefused(await user.run(["token", "inspect", "eyJ.e.s"]), /not taken from an argument/);
    assertRefused(await user.run(["token", "inspect"]), /no token/);
  });

  test("an opaque token is revoked by its own client, who then knows that it is", async () => {
    const tenant = await testTenant();
    const application = await shopApplication(tenant);
    await tenant.changeApplication(application, (settings) => ({
      ...settings,
      protocol_config: { ...settings.protocol_config, token_format: "referential" },
    }));
    const [user, other] = [await cliUser(application), await cliUser(await shopApplication(tenant))];
    const { stdout: token } = await user.run(["token", "issue", "-e", "60", "-o", "token"]);
    assert.match(token, /^mayfly_at_/);
    assertRefused(await other.run(["token", "revoke"], { input: token }), /may still be live/);
    assert.equal(jsonOf(await user.run(["token", "inspect"], { input: token })).active, true);
    assert.equal((await user.run(["token", "revoke"], { input: token })).code, 0);
    assert.equal(jsonOf(await user.run(["token", "inspect"], { input: token })).active, false);
  });

  test("an administrator inspects, lists and revokes the tokens of every application; others say what they cannot", async () => {
    const tenant = await testTenant();
    const application = await shopApplication(tenant);
    const [user, other] = [await cliUser(tenant.management), await cliUser(await shopApplication(tenant))];
    const issue = async () => {
      const answer = await tenant.token(application, { grant_type: "client_credentials", expiration_time: "60" });
      return String(answer.json?.access_token);
    };
    const tokens = [await issue(), await issue(), await issue()];
    const [first = "", second = ""] = tokens;
    assert.equal(jsonOf(await user.run(["token", "inspect"], { input: first })).active, true);
    assertRefused(await other.run(["token", "revoke"], { input: first }), /may still be live/, /tokens:delete/);
    assert.equal((await user.run(["token", "revoke"], { input: first })).code, 0);
    const place = ["--realm", tenant.realm.realmId, "--application", application.key.applicationId];
    const list = async (...more: string[]) => user.run(["token", "list", ...place, ...more]);
    const listed = jsonOf(await list()) as { tokens: { id: string }[]; total_size: number };
    assert.deepEqual([listed.tokens.length, listed.total_size], [2, 2]);
    const short = await list("--limit", "1");
    assert.match(short.stderr, /1 of 2 are shown/);
    const { jti } = JSON.parse(Buffer.from(second.split(".")[1] ?? "", "base64url").toString());
    assert.equal((await user.run(["token", "revoke", jti, ...place])).code, 0);
    assert.equal(jsonOf(await list()).total_size, 1);
    assertRefused(await other.run(["token", "list"]), /invalid_scope: this needs the scope tokens:read,/, /--profile/);
    assertRefused(await user.run(["token", "list", "--realm", tenant.realm.realmId]), /--realm needs --application/);
  });
});

test("mayfly keys lists and rotates the keys of a realm", async () => {
  const tenant = await testTenant();
  const user = await cliUser(tenant.management);
  const realm = ["--realm", tenant.realm.realmId];
  assert.deepEqual(jsonOf(await user.run(["keys", "list", ...realm])), { keys: [], total_size: 0 });
  const [first] = jsonOf(await user.run(["keys", "rotate", ...realm, "--algorithm", "ES256"])).keys as {
    state: string;
  }[];
  assert.equal(first?.state, "signing", "the first of a realm signs at once");
  const rotated = await user.run(["keys", "rotate", ...realm, "--algorithm", "ES256", "--output", "table"]);
  assert.match(rotated.stdout, /^KEY ID +ALGORITHM +STATE/);
  assert.match(rotated.stdout, /ES256 +next +in [56] minutes/);
  assertRefused(await user.run(["keys", "list", "--realm", "00000000000000ff"]), /realm not found/, /check --realm/);
});

describe("mayfly apply and export", () => {
  test("what was exported changes nothing; a difference is told and ends a dry run with 2", async () => {
    const tenant = await testTenant();
    const user = await cliUser(tenant.management);
    const exported = await user.run(["export"]);
    assert.match(exported.stdout, /^version: 1\ntenants:\n/);
    const file = join(user.directory, "tenant.yaml");
    await writeFile(file, exported.stdout);
    assert.deepEqual(jsonOf(await user.run(["apply", "-f", file])).changes, []);
    assert.equal((await user.run(["apply", "-f", file, "--dry-run"])).code, 0);
    await writeFile(file, exported.stdout.replace("display_name: Customers", "display_name: Patrons"));
    const planned = await user.run(["apply", "-f", file, "--dry-run", "-o", "table"]);
    const line = `update realm "Patrons" (${tenant.realm.realmId}): display_name: "Customers" -> "Patrons"\n`;
    assert.deepEqual([planned.code, planned.stdout], [2, line]);
    const applied = await user.run(["apply", "-f", "-", "-o", "table"], { input: await readFile(file, "utf8") });
    assert.deepEqual([applied.code, applied.stdout], [0, line]);
    assert.equal((await user.run(["apply", "-f", file, "-o", "table"])).stdout, "no changes\n");
  });

  test("secrets are read here, and what is wrong is told with its line", async () => {
    const tenant = await testTenant();
    const user = await cliUser(tenant.management);
    const file = join(user.directory, "tenant.yaml");
    const text = (lifetime: number) => `id: "${tenant.tenantId}"
realms:
  - id: "${tenant.realm.realmId}"
    resource_servers: [{ display_name: Shop, identifier: "urn:shop", scopes: [read] }]
    applications:
      - id: 5f1d7a52-7d0c-4c6e-9a53-6b1f0a5be001
        display_name: Export
        resource_server_id: urn:shop
        protocol_config:
          type: oauth2
          grant_type: [client_credentials]
          client_id: export
          client_secret: { env: EXPORT_SECRET }
          allowed_scopes: [read]
          token_configuration: { expires_after: ${lifetime} }
`;
    await writeFile(file, text(0));
    const environment = { EXPORT_SECRET: "Zk3vQ9xT1rB7mN5cW2pL8sD4fG6hJ0aYeUiOqXzVnMw" };
    const apply = () => user.run(["apply", "-f", file], { environment });
    assertRefused(
      await apply(),
      /tenant.yaml:15: realms\[0\].applications\[0\].protocol_config/,
      /Nothing was changed/,
    );
    await writeFile(file, text(600));
    assertRefused(
      await user.run(["apply", "-f", file]),
      /tenant.yaml:13: client_secret: the environment has no EXPORT/,
    );
    assert.equal((jsonOf(await apply()).changes as unknown[]).length, 2);
    assert.deepEqual(jsonOf(await apply()).changes, []);
    const other = await cliUser((await testTenant()).management);
    await writeFile(file, `tenants: [{id: "${tenant.tenantId}"}]`);
    assertRefused(await other.run(["apply", "-f", file]), /says nothing of .*, the profile's tenant/);
    assertRefused(await other.run(["apply", "-f", "/nowhere"]), /cannot be read/);
  });
});

describe("mayfly token exchange", () => {
  test("hands a token from standard input on, and tree shows what became of it", async () => {
    const tenant = await testTenant();
    const user = await cliUser(tenant.management);
    const issued = await user.run(["token", "issue", "-e", "1h", "--scope", "realms:read tokens:read"]);
    const args = ["token", "exchange", "-e", "5m", "-s", "realms:read"];
    const child = await user.run(args, { input: issued.stdout });
    assert.deepEqual([jsonOf(child).expires_in, jsonOf(child).scope], [300, "realms:read"]);
    const wider = await user.run(["token", "exchange", "-s", "realms:read tokens:read"], { input: child.stdout });
    assertRefused(wider, /invalid_scope/);
    assertRefused(await user.run(args, { input: "nonsense" }), /subject_token is not a live access token/);
    assertRefused(await user.run([...args, "--audience", "x"], { input: issued.stdout }), /invalid_target/);
    const [top, below] = [issued, child].map((one) => String(decodeJwt(String(jsonOf(one).access_token)).jti));
    const { tokens } = jsonOf(await user.run(["token", "tree", top ?? ""])) as { tokens: { id: string }[] };
    assert.deepEqual(
      tokens.map(({ id }) => id),
      [top, below],
    );
    assert.equal((await user.run(["token", "revoke"], { input: issued.stdout })).code, 0);
    const table = await user.run(["token", "tree", top ?? "", "--output", "table"]);
    assert.match(
      table.stdout,
      new RegExp(`\n  ${below} +token-exchange .* a token that it was exchanged from has ended`),
    );
    assertRefused(await user.run(["token", "tree", "x"]), /no token's id/);
  });
});

describe("mayfly token revoke-many", () => {
  test("ends what fits, says how far it is, and leaves a receipt", async () => {
    const tenant = await testTenant();
    const user = await cliUser(tenant.management);
    const shop = await shopApplication(tenant);
    await tenant.token(shop, { grant_type: "client_credentials" });
    const place = ["--realm", shop.key.realmId, "--application", shop.key.applicationId];
    assertRefused(await user.run(["token", "revoke-many"]), /say which tokens/);
    assertRefused(
      await user.run(["token", "revoke-many", ...place, "--issued-before", "soon"]),
      /2026-01-31T12:00:00Z/,
    );
    const wrong = await user.run(["token", "revoke-many", "--group", "00000000000000ff"]);
    assertRefused(wrong, /filter.group_id: is not in this realm/);
    const begun = await user.run(["token", "revoke-many", ...place, "--no-wait"]);
    assert.match(
      begun.stderr,
      /In force on every node\..*\nUnder way\. How far it is: mayfly token revoke-many --status /,
    );
    const again = ["token", "revoke-many", "--realm", shop.key.realmId, "--status", String(jsonOf(begun).id)];
    const { stdout: running } = await user.run([...again, "-o", "table"]);
    assert.match(
      running,
      /^state +(RUNNING\n[\s\S]*^accepted offline +not known yet|DONE\n[\s\S]*^accepted offline +for .*)$/m,
    );
    assertRefused(await user.run([...again, "--scope", "x"]), /--status shows what was begun before/);
    assertRefused(await user.run(["token", "revoke-many", "--status", "x"]), /--status takes the id/);
    assert.deepEqual([jsonOf(begun).action, jsonOf(begun).is_in_force], ["revoke", true]);
    const waiting = user.run(["token", "revoke-many", ...place, "--scope", "none", "-e", "5m", "-o", "table"]);
    await waitUntil(
      async () => {
        await endTokensLate(tenant.server);
        const { token_revocations: all } = await succeed(
          managementClient(tenant)("ListTokenRevocations", { realm: shop.key.realmId }),
        );
        return all.length === 2 && all.every(({ state }) => state === "DONE");
      },
      "it is not done",
      { everyMs: 100, msMax: 10_000 },
    );
    const done = await waiting;
    assert.match(done.stderr, /done: \d+ looked at, 0 ended/);
    assert.match(done.stdout, /state +DONE\nmatched +0/);
    assert.match(done.stdout, /\naccepted offline +none of those that matched\n/);
  });
});

describe("mayfly token issue --not-before", () => {
  test("says how long the token lives from its start on, and when that is", async () => {
    const user = await cliUser((await testTenant()).management);
    const later = ["token", "issue", "--not-before", "10m", "-o", "table"];
    const { stdout: asked } = await user.run([...later, "-e", "15m"]);
    assert.match(
      asked,
      /lives +15 minutes\nvalid from +in (10 minutes|9 minutes \d+ seconds) .*\nexpires +in (25|24) minutes/,
    );
    const { stdout: unasked } = await user.run(later);
    assert.match(unasked, /^type +Bearer\nvalid from +in (10 minutes|9 minutes \d+ seconds) .*\nexpires +in /);
  });
});

describe("mayfly token shorten", () => {
  test("gives a token an earlier end, from standard input and by its id, and says when nothing was shortened", async () => {
    const tenant = await testTenant();
    const user = await cliUser(tenant.management);
    const issued = await user.run(["token", "issue", "-e", "1h", "--scope", "tokens:delete"]);
    const first = jsonOf(await user.run(["token", "shorten", "-e", "10m"], { input: issued.stdout }));
    assert.ok(Number(first.expires_in) > 590 && Number(first.expires_in) <= 600, JSON.stringify(first));
    const shop = await shopApplication(tenant);
    const { json } = await tenant.token(shop, { grant_type: "client_credentials" });
    const place = ["--realm", shop.key.realmId, "--application", shop.key.applicationId];
    const { jti } = decodeJwt(String(json?.access_token));
    const second = jsonOf(await user.run(["token", "shorten", String(jti), "-e", "5m", ...place]));
    assert.ok(Number(second.expires_in) > 290 && Number(second.expires_in) <= 300, JSON.stringify(second));
    assertRefused(await user.run(["token", "shorten", "-e", "5m"], { input: "nonsense" }), /nothing was shortened/);
    assertRefused(
      await user.run(["token", "issue", "--max-uses", "2"]),
      /max_uses needs an application whose token_format/,
    );
  });
});

describe("mayfly token preview", () => {
  test("takes the options of issue, says what the token would be, and ends with 1 where it would be refused", async () => {
    const user = await cliUser((await testTenant()).management);
    const bounds = ["--expires-in", "15m", "--not-before", "10m", "--scope", "tokens:read"];
    const previewed = jsonOf(await user.run(["token", "preview", ...bounds, "--claims", '{"build":"1234"}']));
    const { iat, nbf, exp, bi_custom } = previewed.claims as Record<string, unknown>;
    assert.deepEqual([Number(exp) - Number(nbf), Number(exp) - Number(iat)], [900, previewed.expires_in]);
    // The server's second may be over when it counts again.
    assert.ok(Number(nbf) - Number(iat) > 540 && Number(nbf) - Number(iat) <= 600, `${nbf} - ${iat}`);
    assert.deepEqual(bi_custom, { build: "1234" });
    const { stdout: shown } = await user.run(["token", "preview", ...bounds, "-o", "table"]);
    assert.match(shown, /lives +15 minutes\nvalid from +in (10 minutes|9 minutes \d+ seconds) \(/);
    const refused = await user.run(["token", "preview", "--max-uses", "2"]);
    assert.equal(refused.code, 1);
    assert.equal(JSON.parse(refused.stdout).granted, false);
    assert.match(refused.stderr, /such a token would be refused/);
    const long = await user.run(["token", "preview", "--expires-in", "91d"]);
    assert.match(long.stderr, /such a token would be refused\nAsk for 90d at most: --expires-in 90d/);
  });
});
