import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { serverFlags } from "../../bin/server-flags.mjs";
import { readCommandLine } from "../support/child-processes.ts";
import { basic, call, postForm } from "../support/http.ts";
import { cliUser } from "../support/run-cli.ts";
import { type Credentials, type ServerPlace, type ServerProcess, serverPlace } from "../support/server-process.ts";
import { databaseSide } from "../support/test-database.ts";

const SHELL_SECONDS_MAX = 30;
/** Fewer than may be under way at once: on a busy machine some of more would be refused. */
const TOGETHER = 50;
const BOOTSTRAP_MEMBERS = [
  "public_url",
  "tenant_id",
  "realm_id",
  "application_id",
  "client_id",
  "client_secret",
  "issuer",
  "token_endpoint",
  "introspection_endpoint",
];

/** The commands of the welcome: its indented lines. */
function printedCommands(stdout: string): string {
  const lines = stdout.split("\n").filter((line) => line.startsWith("  "));
  assert.ok(lines.length > 0, `the start printed no command:\n${stdout}`);
  return lines.join("\n");
}

async function runPasted(commands: string): Promise<string> {
  // The node in the command is whatever the person has: here, the one that runs the tests.
  const path = `${join(process.execPath, "..")}:${process.env.PATH}`;
  const options = { timeout: SHELL_SECONDS_MAX * 1000, env: { ...process.env, PATH: path } };
  return (await promisify(execFile)("bash", ["-ec", commands], options)).stdout;
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

function requestToken(credentials: Credentials, form: Readonly<Record<string, string>> = {}) {
  const authorization = basic(credentials.client_id, credentials.client_secret);
  return postForm(credentials.token_endpoint, { grant_type: "client_credentials", ...form }, { authorization });
}

function checkFiles(place: ServerPlace, server: ServerProcess): void {
  const text = readFileSync(join(place.dataDirectory, "bootstrap.json"), "utf8");
  const credentials = place.readCredentials();
  assert.deepEqual(Object.keys(JSON.parse(text)), BOOTSTRAP_MEMBERS);
  const issuer = `${server.url}/v1/tenants/${credentials.tenant_id}/realms/${credentials.realm_id}/applications/${credentials.application_id}`;
  assert.equal(credentials.issuer, issuer);
  assert.equal(credentials.token_endpoint, `${issuer}/token`);
  assert.equal(credentials.public_url, server.url);
  assert.equal(modeOf(place.dataDirectory), "700");
  assert.equal(modeOf(join(place.dataDirectory, "bootstrap.json")), "600");
  if (databaseSide() === "embedded") {
    assert.equal(modeOf(join(place.dataDirectory, "master.key")), "600");
    assert.equal(modeOf(join(place.dataDirectory, "operator-token")), "600");
  }
}

function checkNoSecrets(place: ServerPlace, { output }: ServerProcess): void {
  const embedded = databaseSide() === "embedded" ? ["master.key", "operator-token"] : [];
  const kept = embedded.map((name) => readFileSync(join(place.dataDirectory, name), "utf8").trim());
  const { MAYFLY_MASTER_KEY, MAYFLY_DATABASE_URL } = place.environment;
  const secrets = [place.readCredentials().client_secret, ...kept, MAYFLY_MASTER_KEY, MAYFLY_DATABASE_URL];
  for (const secret of secrets) {
    if (secret !== undefined) assert.ok(!`${output.stdout}${output.stderr}`.includes(secret), "a secret was printed");
  }
}

/** Follows the welcome's line about the command line, as somebody in a clone of the repository would. */
async function followCommandLine(stdout: string): Promise<void> {
  const [, login = "", issue = ""] = /npx (mayfly login.*), then npx (mayfly token .*)$/m.exec(stdout) ?? [];
  const user = await cliUser();
  for (const line of [login, issue]) {
    const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
    const result = await user.run(words.slice(1));
    assert.equal(result.code, 0, `${line}: ${result.stderr}`);
  }
}

test("the first start writes the credentials for its owner alone, prints no secret, and its commands work as pasted", async () => {
  const place = await serverPlace();
  const server = await place.start({ MAYFLY_LOG_LEVEL: "info" });
  checkFiles(place, server);
  const proof: unknown = JSON.parse(await runPasted(printedCommands(server.output.stdout)));
  assert.ok(typeof proof === "object" && proof !== null && "exp" in proof && "iat" in proof && "active" in proof);
  assert.equal(proof.active, true);
  assert.equal(Number(proof.exp) - Number(proof.iat), 900);
  await followCommandLine(server.output.stdout);
  const ended = await server.end("SIGTERM");
  checkNoSecrets(place, server);
  assert.deepEqual([ended.code, ended.signal], [0, null], ended.stderr);
  await place.remove();
});

test("the second start keeps the credentials, is quick, and a token of the first is still good", async () => {
  const place = await serverPlace();
  const first = await place.start();
  const before = readFileSync(join(place.dataDirectory, "bootstrap.json"), "utf8");
  const credentials = place.readCredentials();
  const issued = await requestToken(credentials);
  assert.equal(issued.json?.expires_in, 3_600, issued.text);
  await first.end("SIGTERM");
  const second = await place.start();
  assert.equal(readFileSync(join(place.dataDirectory, "bootstrap.json"), "utf8"), before);
  assert.ok(!second.output.stdout.includes("first start. Your"), second.output.stdout);
  assert.match(second.output.stdout, /bootstrap\.json/);
  const authorization = basic(credentials.client_id, credentials.client_secret);
  const token = String(issued.json?.access_token);
  const answer = await postForm(credentials.introspection_endpoint, { token }, { authorization });
  assert.equal(answer.json?.active, true, answer.text);
  await second.end("SIGTERM");
  await place.remove();
});

test("health, readiness and version are where rule 27 puts them", async () => {
  const place = await serverPlace();
  const server = await place.start();
  const get = async (url: string) => {
    const { status, json } = await call(url);
    return { status, members: Object.keys(json ?? {}) };
  };
  assert.deepEqual(await get(`${server.url}/health/live`), { status: 200, members: ["status"] });
  assert.deepEqual(await get(`${server.url}/health/ready`), { status: 200, members: ["status"] });
  assert.equal((await get(`${server.url}/version`)).status, 404);
  const details = await get(`${server.operationsUrl}/health/ready`);
  assert.deepEqual(details, { status: 200, members: ["status", "checks"] });
  const version = await call(`${server.operationsUrl}/version`);
  assert.equal(version.json?.version, JSON.parse(readFileSync("package.json", "utf8")).version);
  assert.equal(version.json?.database, databaseSide());
  assert.equal((await get(`${server.operationsUrl}/v1/tenants`)).status, 404);
  await server.end("SIGTERM");
  await place.remove();
});

test("a setting that is wrong stops the start, is named, and nothing is made", async () => {
  const place = await serverPlace();
  const cases: [Record<string, string>, RegExp][] = [
    [{ MAYFLY_PROT: "8021" }, /MAYFLY_PROT is not a setting/],
    [{ MAYFLY_PUBLIC_URL: "http://login.example.com" }, /MAYFLY_PUBLIC_URL is not https/],
    [{ MAYFLY_DATABASE_URL: "postgres://127.0.0.1/x", MAYFLY_MASTER_KEY: "" }, /MAYFLY_MASTER_KEY/],
    [{ MAYFLY_WORKERS: "2", MAYFLY_DATABASE_URL: "" }, /MAYFLY_WORKERS above 1/],
    [{ MAYFLY_MASTER_KEY: "tooshortbutsecret" }, /MAYFLY_MASTER_KEY must have/],
  ];
  const ends = await Promise.all(cases.map(([environment]) => place.startToEnd(environment)));
  for (const [index, [environment, message]] of cases.entries()) {
    const ended = ends[index];
    assert.equal(ended?.code, 1, JSON.stringify(environment));
    assert.match(ended.stderr, message);
    assert.equal(ended.stdout, "");
    assert.ok(!ended.stderr.includes("tooshortbutsecret"), "a secret was printed");
  }
  assert.throws(() => place.readCredentials());
  await place.remove();
});

test("a declarative file with a mistake stops the start and says where", async () => {
  const place = await serverPlace();
  const file = join(place.dataDirectory, "mayfly.yaml");
  await writeFile(file, "version: 1\ntenants:\n  - id: '0123456789abcdef'\n    colour: blue\n");
  const ended = await place.startToEnd({ MAYFLY_CONFIG: file });
  assert.equal(ended.code, 1);
  assert.match(ended.stderr, /mayfly\.yaml:4: tenants\[0\]\.colour/);
  await place.remove();
});

test("a declarative file that is not there stops the start by its setting's name", async () => {
  const place = await serverPlace();
  const file = join(place.dataDirectory, "nowhere.yaml");
  const ended = await place.startToEnd({ MAYFLY_CONFIG: file });
  assert.equal(ended.code, 1);
  const message = `MAYFLY_CONFIG names ${file}, which cannot be read (ENOENT); name a file that this user may read`;
  assert.ok(ended.stderr.startsWith(`Mayfly did not start: ${message}`), ended.stderr);
  await place.remove();
});

test("a port that is taken stops the start with a message of one line", async () => {
  const place = await serverPlace();
  const server = await place.start();
  const other = await serverPlace();
  const ended = await other.startToEnd({ MAYFLY_PORT: new URL(server.url).port });
  assert.equal(ended.code, 1);
  assert.match(ended.stderr, /^Mayfly did not start: MAYFLY_PORT is \d+, where something listens already; [^\n]*\n$/);
  await server.end("SIGTERM");
  await Promise.all([place.remove(), other.remove()]);
});

test("Node keeps half the room for young objects, unless an operator has said how much", async () => {
  assert.deepEqual(serverFlags(""), ["--max-semi-space-size=16"]);
  for (const own of ["--max-semi-space-size=64", "--no-warnings --max_semi_space_size=8"])
    assert.deepEqual(serverFlags(own), []);
  const place = await serverPlace();
  const server = await place.start();
  assert.match(readCommandLine(server.pid), / --max-semi-space-size=16 .*src\/main\.ts/);
  await server.end("SIGTERM");
  await place.remove();
});

test("SIGTERM lets the requests under way finish and refuses new ones", async () => {
  const place = await serverPlace();
  const server = await place.start();
  const credentials = place.readCredentials();
  await requestToken(credentials); // keys and caches are made
  let isTold = false;
  const send = async () => ({ ...(await requestToken(credentials)), isAfter: isTold });
  const under = Array.from({ length: TOGETHER }, send);
  await Promise.race(under); // now the others are there, too
  isTold = true;
  const [ended, answered] = await Promise.all([server.end("SIGTERM"), Promise.allSettled(under)]);
  assert.deepEqual([ended.code, ended.signal], [0, null], ended.stderr);
  const tokens = answered.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  assert.ok(
    tokens.some(({ isAfter }) => isAfter),
    "no request was under way",
  );
  for (const { status, text } of tokens) assert.equal(status, 200, text);
  await assert.rejects(requestToken(credentials), "a stopped server answers");
  const again = await place.start();
  const authorization = basic(credentials.client_id, credentials.client_secret);
  for (const { json } of tokens) {
    const token = String(json?.access_token);
    const answer = await postForm(credentials.introspection_endpoint, { token }, { authorization });
    assert.equal(answer.json?.active, true, answer.text);
  }
  await again.end("SIGTERM");
  await place.remove();
});
