import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { serverPlace } from "../support/server-process.ts";
import { databaseSide } from "../support/test-database.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);
const directory = await mkdtemp(join(tmpdir(), "mayfly-package-"));
after(() => rm(directory, { recursive: true, force: true }));

/** Packs this package and puts it where npm would, beside what it depends on and nothing that only its developers need. */
async function install(): Promise<string> {
  const { npm_execpath: _, ...environment } = process.env;
  await run("npm", ["pack", "--silent", "--pack-destination", directory], { cwd: ROOT, env: environment });
  const [tarball = ""] = (await readdir(directory)).filter((name) => name.endsWith(".tgz"));
  const modules = join(directory, "node_modules");
  const installed = join(modules, "mayfly");
  await mkdir(installed, { recursive: true });
  await run("tar", ["-xzf", join(directory, tarball), "-C", installed, "--strip-components=1"]);
  for (const name of listDependencies()) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(ROOT, "node_modules", name), join(modules, name));
  }
  return installed;
}

function listDependencies(): string[] {
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
    packages: Record<string, { dev?: true }>;
  };
  return Object.entries(packages).flatMap(([path, { dev }]) => {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1];
    return name === undefined || dev === true || !existsSync(join(ROOT, path)) ? [] : [name];
  });
}

// Built once: the two sides share this directory.
if (databaseSide() === "embedded")
  test("the package, installed, starts a server and the command line, without a line of TypeScript", async () => {
    const installed = await install();
    const files = await readdir(installed, { recursive: true });
    assert.deepEqual(
      files.filter((name) => /(?<!\.d)\.ts$|\.test\.|^(src|test|bench|docs|examples)\b/.test(name)),
      [],
    );
    // The browser client is what is served, importable, with types.
    assert.ok(existsSync(join(installed, "dist/browser/client.d.ts")));
    const show = 'import("mayfly/browser").then(({ Embedded }) => console.log(typeof Embedded.initialize))';
    assert.equal((await run(process.execPath, ["-e", show], { cwd: directory })).stdout, "function\n");
    // So is the verifier, which runs on every Node that the package says.
    assert.ok(existsSync(join(installed, "dist/verifier/verifier.d.ts")));
    const make = 'import("mayfly/verifier").then(({ createVerifier }) => console.log(typeof createVerifier))';
    assert.equal((await run(process.execPath, ["-e", make], { cwd: directory })).stdout, "function\n");
    const launcher = join(installed, "bin/mayfly.mjs");
    const place = await serverPlace({ launcher });
    try {
      const server = await place.start();
      const own = { XDG_CONFIG_HOME: join(directory, "config"), PATH: process.env.PATH };
      const mayfly = async (...args: string[]) =>
        (await run(process.execPath, [launcher, ...args], { env: own })).stdout;
      await mayfly("login", "--data-dir", place.dataDirectory);
      const issued = JSON.parse(await mayfly("token", "issue", "--expires-in", "15m", "--scope", "tokens:introspect"));
      assert.equal(issued.expires_in, 900);
      const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
      assert.equal(await mayfly("--version"), `${version}\n`);
      assert.equal((await server.end("SIGTERM")).code, 0);
    } finally {
      await place.remove();
    }
  });
