import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { call } from "../support/http.ts";
import { databaseSide } from "../support/test-database.ts";
import { testTenant } from "../support/test-tenant.ts";

const FOLDER = fileURLToPath(new URL("../openapi-client/", import.meta.url));
const GENERATED = join(FOLDER, "generated");
const run = promisify(execFile);

/** Runs a program of the folder's own packages, with this Node. */
async function runThere(program: string, ...parameters: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [program, ...parameters], { cwd: FOLDER });
  return stdout;
}

// The document is the same whatever the database.
if (databaseSide() === "postgresql") {
  test("a client that is generated from the document compiles, and works (settled 24)", async () => {
    const tenant = await testTenant();
    const { text } = await call(`${tenant.server.url}/openapi.json`);
    await mkdir(GENERATED, { recursive: true });
    try {
      await writeFile(join(GENERATED, "openapi.json"), text);
      await runThere("node_modules/openapi-typescript/bin/cli.js", "generated/openapi.json", "-o", "generated/api.ts");
      await runThere("node_modules/typescript/bin/tsc", "-p", ".").catch((error: { readonly stdout: string }) => {
        assert.fail(error.stdout);
      });
      const { tenantId, realm, server } = tenant;
      const token = await tenant.managementToken();
      const told = await runThere("program.ts", server.url, tenantId, realm.realmId, token);
      assert.deepEqual(JSON.parse(told), ["At the till", ["Clerks"], "not_found", "ResourceInfo"]);
    } finally {
      await rm(GENERATED, { recursive: true, force: true });
    }
  });
}
