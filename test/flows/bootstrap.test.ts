import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { ConfigError, type Environment, readConfig } from "../../src/config.ts";
import { bootstrap } from "../../src/declarative/bootstrap.ts";
import { readMasterKeys, readOperatorToken } from "../../src/declarative/master-key.ts";
import type { Deps } from "../../src/deps.ts";
import { createClock } from "../../src/platform/clock.ts";
import { sha256 } from "../../src/platform/hash.ts";
import { createLog } from "../../src/platform/log.ts";
import { createMailTransport } from "../../src/platform/mail.ts";
import { listMetrics } from "../../src/platform/metric-table.ts";
import { createMetrics } from "../../src/platform/metrics.ts";
import { createRandom } from "../../src/platform/random.ts";
import { createSealer } from "../../src/platform/seal.ts";
import { findApplicationContext, readClients } from "../../src/resources/application/queries.ts";
import { listRoles } from "../../src/resources/role/queries.ts";
import { openScratchDatabase } from "../support/scratch-database.ts";

const random = createRandom();
const root = await mkdtemp(join(tmpdir(), "mayfly-first-"));
after(() => rm(root, { recursive: true, force: true }));

const FAR = {
  MAYFLY_PUBLIC_URL: "https://id.example.com",
  MAYFLY_ALLOW: "created-master-key,outbox",
};

async function newDirectory(): Promise<string> {
  return join(await mkdtemp(join(root, "case-")), "data");
}

function configOf(directory: string, more: Environment = {}) {
  return readConfig({ MAYFLY_DATA_DIR: directory, ...more });
}

async function newDeps(directory: string): Promise<Deps> {
  const { database } = await openScratchDatabase();
  const config = configOf(directory);
  const clock = createClock();
  const outboxDirectory = join(directory, "outbox");
  const mail = createMailTransport({ smtpUrl: undefined, from: "a@b", outboxDirectory, clock, random });
  const sealer = createSealer(await readMasterKeys(config, random), random);
  const metrics = createMetrics(listMetrics());
  return { config, database, clock, random, sealer, mail, log: createLog("silent"), metrics };
}

async function readJson(file: string): Promise<Record<string, string>> {
  return JSON.parse(await readFile(file, "utf8"));
}

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

describe("the first start", () => {
  test("makes a tenant that manages itself, and a private file with its credentials", async () => {
    const deps = await newDeps(await newDirectory());
    const result = await bootstrap(deps);
    assert.equal(result.isFirstStart, true);
    assert.equal(await modeOf(result.file), 0o600);
    assert.equal(await modeOf(deps.config.dataDirectory), 0o700);
    const file = await readJson(result.file);
    const members =
      "public_url tenant_id realm_id application_id client_id client_secret issuer token_endpoint introspection_endpoint";
    assert.deepEqual(Object.keys(file), members.split(" "));
    const { tenant_id = "", realm_id = "", application_id = "" } = file;
    const key = { tenantId: tenant_id, realmId: realm_id, applicationId: application_id };
    const db = deps.database.tenants([tenant_id]);
    const context = await findApplicationContext(db, key);
    assert.ok(context);
    const { client, realm, resourceServer, tenant } = context;
    assert.deepEqual([tenant.kind, tenant.displayName, realm.isAdmin], ["production", "Mayfly", true]);
    assert.deepEqual([client.expiresAfterSeconds, client.defaultExpiresAfterSeconds], [7_776_000, 3600]);
    assert.deepEqual([client.targetRealm, client.signingAlgorithm, client.isManaged], ["*", "RS256", true]);
    assert.deepEqual(client.allowedScopes, resourceServer?.scopes);
    assert.deepEqual([resourceServer?.identifier, resourceServer?.scopes.length], ["beyondidentity", 63]);
    const [role] = await listRoles(db, key, { after: "", limit: 10 });
    assert.equal(role?.settings.display_name, "Super Administrators");
    const [live] = await readClients(db, [key]);
    assert.deepEqual(live?.secretHash, sha256(file.client_secret ?? ""));
  });

  test("happens once, and does not write the file again", async () => {
    const deps = await newDeps(await newDirectory());
    const { file } = await bootstrap(deps);
    await rm(file);
    assert.deepEqual(await bootstrap(deps), { isFirstStart: false, file });
    await assert.rejects(stat(file));
  });

  test("that died before the file was written is finished by the next, with the same credentials", async () => {
    const directory = await newDirectory();
    const deps = await newDeps(directory);
    await mkdir(join(directory, "bootstrap.json", "in-the-way"), { recursive: true });
    await assert.rejects(bootstrap(deps));
    await rm(join(directory, "bootstrap.json"), { recursive: true });
    const { isFirstStart, file } = await bootstrap(deps);
    assert.equal(isFirstStart, true);
    const { tenant_id = "", realm_id = "", application_id = "", client_secret = "" } = await readJson(file);
    const key = { tenantId: tenant_id, realmId: realm_id, applicationId: application_id };
    const [live] = await readClients(deps.database.tenants([tenant_id]), [key]);
    assert.deepEqual(live?.secretHash, sha256(client_secret));
    assert.equal((await bootstrap(deps)).isFirstStart, false);
  });

  test("of two nodes at once makes one tenant", async () => {
    const deps = await newDeps(await newDirectory());
    const results = await Promise.all([bootstrap(deps), bootstrap(deps)]);
    assert.deepEqual(results.map((result) => result.isFirstStart).sort(), [false, true]);
  });
});

describe("the master key", () => {
  test("is made once, private, and read again", async () => {
    const directory = await newDirectory();
    const keys = await readMasterKeys(configOf(directory), random);
    assert.equal(keys.length, 1);
    assert.deepEqual(await readMasterKeys(configOf(directory), random), keys);
    assert.equal(await modeOf(join(directory, "master.key")), 0o600);
    const [first, second] = await Promise.all([1, 2].map(async () => readMasterKeys(configOf(directory), random)));
    assert.deepEqual(first, second);
  });

  test("comes from the environment or the file it names, several at once", async () => {
    const directory = await newDirectory();
    const [a, b] = ["a".repeat(43), "b".repeat(43)];
    const path = join(root, `keys-${directory.length}`);
    await writeFile(path, `${a}\n${b}\n`);
    const expected = [Buffer.from(a), Buffer.from(b)];
    assert.deepEqual(await readMasterKeys(configOf(directory, { MAYFLY_MASTER_KEY: `${a},${b}` }), random), expected);
    assert.deepEqual(await readMasterKeys(configOf(directory, { MAYFLY_MASTER_KEY_FILE: path }), random), expected);
    await assert.rejects(
      readMasterKeys(configOf(directory, { MAYFLY_MASTER_KEY_FILE: `${path}x` }), random),
      ConfigError,
    );
    await writeFile(path, "short");
    await assert.rejects(readMasterKeys(configOf(directory, { MAYFLY_MASTER_KEY_FILE: path }), random), ConfigError);
  });

  test("and the data directory that others can read stop a start that is not loopback (rule 25)", async () => {
    const directory = await newDirectory();
    await readMasterKeys(configOf(directory), random);
    await chmod(join(directory, "master.key"), 0o640);
    await readMasterKeys(configOf(directory), random);
    await assert.rejects(readMasterKeys(configOf(directory, FAR), random), /chmod 0600 /);
    await chmod(join(directory, "master.key"), 0o600);
    await chmod(directory, 0o755);
    await assert.rejects(readMasterKeys(configOf(directory, FAR), random), /chmod 0700 /);
  });
});

describe("the operator token", () => {
  test("is made with the embedded database, and only configured with another", async () => {
    const directory = await newDirectory();
    const token = await readOperatorToken(configOf(directory), random);
    assert.match(token ?? "", /^[A-Za-z0-9_-]{43}$/);
    assert.equal(await readOperatorToken(configOf(directory), random), token);
    const server = { MAYFLY_DATABASE_URL: "postgres://db/mayfly", MAYFLY_MASTER_KEY: "k".repeat(43) };
    assert.equal(await readOperatorToken(configOf(directory, server), random), undefined);
    const path = join(directory, "operator-token");
    const configured = configOf(directory, { ...server, MAYFLY_OPERATOR_TOKEN_FILE: path });
    assert.equal(await readOperatorToken(configured, random), token);
    await writeFile(path, "short");
    await assert.rejects(readOperatorToken(configured, random), ConfigError);
  });
});
