import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TOKEN_EXCHANGE } from "../../src/protocol/token-exchange.ts";
import { cliUser, jsonOf } from "../support/run-cli.ts";
import { testTenant } from "../support/test-tenant.ts";
import { ACCESS_TOKEN } from "../support/token-exchange.ts";

// What people read of a token at a terminal: the same facts that JSON has.

/** A client of opaque tokens, which may be bounded by uses, and its command line. */
async function opaqueUser() {
  const tenant = await testTenant();
  const application = await tenant.addApplication(
    {
      protocol_config: {
        type: "oauth2",
        grant_type: ["client_credentials"],
        allowed_scopes: ["shoes:read", "shoes:write"],
        token_format: "referential",
        token_configuration: { expires_after: 3600 },
      },
    },
    await tenant.addResourceServer({ scopes: ["shoes:read", "shoes:write"] }),
  );
  return { tenant, application, user: await cliUser(application) };
}

describe("a table says of a token", () => {
  test("how often it may be used, and which scopes were asked for and not granted", async () => {
    const { user } = await opaqueUser();
    const wishes = ["--max-uses", "3", "-s", "shoes:write nothing:here", "-o", "table"];
    const issued = await user.run(["token", "issue", ...wishes]);
    const rows =
      /^uses +3\nscope +shoes:write\ndropped +nothing:here \(asked for, and not granted\)\ntoken +mayfly_at_/m;
    assert.match(issued.stdout, rows);
    const previewed = await user.run(["token", "preview", ...wishes]);
    assert.match(previewed.stdout, /^uses +3\nscope +shoes:write\ndropped +nothing:here \(/m);
    const whole = await user.run(["token", "issue", "-s", "shoes:write", "-o", "table"]);
    assert.doesNotMatch(whole.stdout, /^(uses|dropped)/m);
  });

  test("how many uses are left, that it was shortened, and from when it was valid", async () => {
    const { user, tenant } = await opaqueUser();
    const later = ["token", "issue", "-e", "1h", "--max-uses", "3", "--not-before", "10m", "-o", "token"];
    const { stdout: input } = await user.run(later);
    const early = await user.run(["token", "inspect", "-o", "table"], { input });
    assert.match(early.stdout, /used up, not valid yet,/);
    await tenant.advance(700);
    jsonOf(await user.run(["token", "shorten", "-e", "5m"], { input }));
    const { stdout } = await user.run(["token", "inspect", "-o", "table"], { input });
    assert.match(stdout, /^lifetime +\d+ minutes .*\(exp - nbf is \d+\)$/m);
    assert.match(stdout, /^valid from +.*\nissued for +1 hour, and shortened since\nuses left +3$/m);
  });

  test("instants by its tenant's clock, which is not this machine's", async () => {
    const { tenant, application } = await opaqueUser();
    await tenant.advance(86_400);
    const admin = await cliUser(tenant.management);
    const { json } = await tenant.token(application, { grant_type: "client_credentials", expiration_time: "900" });
    const input = String(json?.access_token);
    const place = ["--realm", application.key.realmId];
    const inspected = await admin.run(["token", "inspect", ...place, "-o", "table"], { input });
    assert.match(inspected.stdout, /^issued +(now|\d+ seconds? ago) .*\nexpires +in 1[45] minutes/m);
    const own = await cliUser(application);
    const opaque = await own.run(["token", "issue", "-e", "15m", "--not-before", "10m", "-o", "table"]);
    assert.match(opaque.stdout, /^valid from +in (10 minutes|9 minutes \d+ seconds) .*\nexpires +in 2[45] minutes/m);
    const within = [...place, "--application", application.key.applicationId, "-o", "table"];
    assert.match((await admin.run(["token", "list", ...within])).stdout, / in 1[45] minutes/);
    const issued = await admin.run(["token", "issue", "-e", "15m", "-s", "tokens:read", "-o", "table"]);
    const later = ["token", "preview", "--not-before", "10m", "-s", "tokens:read", "-o", "table"];
    assert.match((await admin.run(later)).stdout, /^valid from +in (10 minutes|9 minutes \d+ seconds) /m);
    const [, told = ""] = /^expires +in 15 minutes \((.+)\)$/m.exec(issued.stdout) ?? [];
    const distance = Date.parse(told) - (Date.now() + (86_400 + 900) * 1_000);
    assert.ok(Math.abs(distance) < 60_000, issued.stdout);
  });
});

test("mayfly token tree says for how long what is alive lives", async () => {
  const { tenant, application } = await opaqueUser();
  const admin = await cliUser(tenant.management);
  const { json } = await tenant.token(application, { grant_type: "client_credentials", expiration_time: "900" });
  const exchange = {
    grant_type: TOKEN_EXCHANGE,
    subject_token: String(json?.access_token),
    subject_token_type: ACCESS_TOKEN,
  };
  assert.equal((await tenant.token(application, exchange)).status, 200);
  const place = ["--realm", application.key.realmId, "--application", application.key.applicationId];
  const { tokens } = jsonOf(await admin.run(["token", "list", ...place]));
  assert.ok(Array.isArray(tokens));
  const tree = await admin.run(["token", "tree", String(tokens.at(-1).id), ...place, "-o", "table"]);
  assert.match(tree.stdout, / lives for 1[45] minutes.* \(until \d{4}-/);
});
