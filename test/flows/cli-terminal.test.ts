import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { SMTPServer } from "smtp-server";
import { findFreePort } from "../../bin/free-port.mjs";
import { cliUser, credentialsOf, LAUNCHER } from "../support/run-cli.ts";
import { sharedServer } from "../support/test-server.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

describe("on a terminal", () => {
  test("answers are tables, instants are words, and what a name holds does not move the cursor", async () => {
    const { management } = await testTenant();
    const user = await cliUser(management);
    const issued = await user.run(["token", "issue", "-e", "15m", "--scope", "tokens:read"], { onTerminal: true });
    assert.equal(issued.code, 0, issued.stdout);
    assert.match(issued.stdout, /lives +15 minutes\r\nexpires +in 15 minutes \(\d{4}-/);
    assert.match(issued.stdout, /at most +90 days, set by the application/);
    const listed = await user.run(["token", "list"], { onTerminal: true });
    assert.match(listed.stdout, /^ID +NAME +TYPE +SUFFIX +EXPIRES +SCOPES\r\n/);
  });

  test("a secret is asked for and not shown", async () => {
    const { management } = await testTenant();
    const user = await cliUser();
    const args = ["login", "--issuer", management.issuer, "--client-id", management.clientId];
    const login = await user.run(args, {
      onTerminal: true,
      input: `wrong\u007f${"\u007f".repeat(4)}${management.clientSecret}\r`,
    });
    assert.equal(login.code, 0, login.stdout);
    assert.match(login.stdout, /^Client secret: \r\nLogged in/);
    assert.ok(!login.stdout.includes(management.clientSecret));
    const store = await readFile(join(user.directory, "config/mayfly/profiles.json"), "utf8");
    assert.ok(store.includes(management.clientSecret));
  });

  test("whoever changes his mind while he is asked ends the command", async () => {
    const { management } = await testTenant();
    const user = await cliUser();
    const args = ["login", "--issuer", management.issuer, "--client-id", management.clientId];
    assert.equal((await user.run(args, { onTerminal: true, input: "x\u0003" })).code, 130);
  });
});

interface Finding {
  readonly name: string;
  readonly status: string;
  readonly detail: string;
  readonly advice?: string;
}

describe("mayfly doctor", () => {
  async function examine(tenant: TestTenant, environment: Record<string, string> = {}, ...args: string[]) {
    const user = await cliUser(tenant.management);
    const { server } = tenant;
    const own = { MAYFLY_DATA_DIR: server.dataDirectory, ...environment };
    const result = await user.run(["doctor", "--ops-url", server.operationsUrl, ...args], { environment: own });
    const { findings } = JSON.parse(result.stdout) as { findings: Finding[] };
    const advised = findings.every(({ status, advice }) => (status === "ok") === (advice === undefined));
    assert.ok(advised, result.stdout);
    return { code: result.code, found: Object.fromEntries(findings.map((one) => [one.name, one])) };
  }

  test("finds nothing wrong where nothing is, and that the other tenant's doors are closed", async () => {
    const [tenant, other] = [await testTenant(), await testTenant()];
    const { code, found } = await examine(tenant, {}, "--other-tenant", other.tenantId);
    assert.equal(code, 0, JSON.stringify(found));
    for (const name of ["configuration", "server", "database", "clock", "credentials", "tenants apart"])
      assert.equal(found[name]?.status, "ok", JSON.stringify(found[name]));
    assert.equal(found.mail?.status, "warn");
    assert.match(
      found["tenants apart"]?.detail ?? "",
      new RegExp(`4 requests to the tenant ${other.tenantId} were refused`),
    );
  });

  test("says of each thing that is wrong what to do, and ends with 1", async () => {
    const tenant = await testTenant();
    const wrong = await examine(tenant, { MAYFLY_POTR: "1" });
    assert.equal(wrong.code, 1);
    assert.match(wrong.found.configuration?.detail ?? "", /MAYFLY_POTR is not a setting/);
    const port = await findFreePort();
    const deaf = await examine(tenant, { MAYFLY_SMTP_URL: `smtp://127.0.0.1:${port}` });
    assert.deepEqual([deaf.code, deaf.found.mail?.status], [1, "fail"]);
    const secret = await examine(tenant, { MAYFLY_CLI_CLIENT_SECRET: "wrong" });
    assert.deepEqual([secret.code, secret.found.credentials?.status], [1, "fail"]);
    const away = { ...credentialsOf(tenant.management) };
    const issuer = tenant.management.issuer.replace(/:\d+/, `:${port}`);
    const gone = await examine(tenant, { ...away, MAYFLY_CLI_ISSUER: issuer });
    assert.deepEqual([gone.code, gone.found.server?.status], [1, "fail"]);
    assert.match(gone.found.server?.detail ?? "", /ECONNREFUSED/);
  });

  test("greets the mail server", async () => {
    const mails = new SMTPServer({ authOptional: true, disabledCommands: ["STARTTLS"] });
    const port = await findFreePort();
    await new Promise<void>((resolve) => mails.listen(port, "127.0.0.1", resolve));
    const { found } = await examine(await testTenant(), { MAYFLY_SMTP_URL: `smtp://127.0.0.1:${port}` });
    assert.equal(found.mail?.status, "ok", JSON.stringify(found.mail));
    await new Promise<void>((resolve) => mails.close(() => resolve()));
  });

  test("elsewhere looks at what can be seen from there", async () => {
    const tenant = await testTenant();
    const user = await cliUser(tenant.management);
    const { stdout, code } = await user.run(["doctor"]);
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    assert.equal(code, 0, stdout);
    const statuses = Object.fromEntries(findings.map(({ name, status }) => [name, status]));
    assert.deepEqual(statuses, {
      configuration: "skip",
      "master key": "skip",
      mail: "skip",
      server: "ok",
      database: "skip",
      clock: "ok",
      credentials: "ok",
      "tenants apart": "ok",
    });
  });
});

describe("completion", () => {
  test("tells commands, options, and the values of options", async () => {
    const server = await sharedServer();
    const user = await cliUser();
    await user.run(["login", "--data-dir", server.dataDirectory, "--profile", "local"]);
    const complete = async (...words: string[]) =>
      (await user.run(["__complete", "--", ...words])).stdout.split("\n").filter(Boolean);
    assert.deepEqual(await complete("to"), ["token"]);
    const revoking = ["revoke", "revoke-many", "shorten"];
    const named = ["issue", "preview", "exchange", "inspect", ...revoking, "list", "tree", "usage", "watch"];
    assert.deepEqual(await complete("token", ""), named);
    assert.deepEqual(await complete("token", "issue", "--ex"), ["--expires-in"]);
    assert.deepEqual(await complete("token", "issue", "-o", ""), ["table", "json", "token"]);
    assert.deepEqual(await complete("keys", "list", "--profile", "l"), ["local"]);
    assert.deepEqual(await complete("apply", "-f", ""), [], "then the shell completes files");
    assert.ok(!(await complete("login", "--client")).includes("--client-secret"));
  });

  test("bash takes the script and completes by it", async () => {
    const user = await cliUser();
    const program = join(user.directory, "mayfly");
    await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${LAUNCHER}' "$@"\n`, { mode: 0o755 });
    const words = 'COMP_WORDS=(mayfly token issue --o ""); COMP_CWORD=3; _mayfly; printf "%s\\n" $COMPREPLY';
    const script = `eval "$(mayfly completion bash)"; ${words}; complete -p mayfly`;
    const env = { ...process.env, PATH: `${user.directory}:${process.env.PATH}` };
    const { stdout } = await promisify(execFile)("bash", ["-ec", script], { env });
    assert.equal(stdout, "--output\ncomplete -o default -F _mayfly mayfly\n");
  });

  test("other shells have scripts of their own, and some have none", async () => {
    const user = await cliUser();
    for (const shell of ["zsh", "fish"])
      assert.match((await user.run(["completion", shell])).stdout, /mayfly __complete/);
    assert.equal((await user.run(["completion", "tcsh"])).code, 1);
  });
});
