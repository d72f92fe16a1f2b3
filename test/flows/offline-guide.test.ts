import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { findFreePort } from "../../bin/free-port.mjs";
import { GUIDE_URL, guideShell } from "../support/guide-shell.ts";
import { runGuideCode } from "../support/relying-parties/guide-app.ts";
import { writeGuideCode } from "../support/relying-parties/guide-code.ts";
import { testTenant } from "../support/test-tenant.ts";

const GUIDE = "offline-validation.md";
const VERIFIER = fileURLToPath(new URL("../../src/verifier/verifier.ts", import.meta.url));
const API_PORT = "3000";
/** The guide waits for a second, which a busy machine may exceed. */
const UNTIL_TOLD = `for try in $(seq 200); do curl -s -m 5 -o /dev/null -w '%{http_code}' localhost:${API_PORT}/shoes -H "authorization: Bearer $TOKEN" | grep -q 401 && break; sleep 0.1; done`;

/** Starts the guide's API beside a server. */
async function startApi(serverUrl: string, secret: string) {
  const port = String(await findFreePort());
  const code = await writeGuideCode(GUIDE, "api.mjs", (text) =>
    text.replace("mayfly/verifier", VERIFIER).replace(API_PORT, port).replace(GUIDE_URL, serverUrl),
  );
  await writeFile(join(code.directory, "api-secret"), secret);
  const api = await runGuideCode(code, { API_SECRET_FILE: "api-secret" });
  const here = (commands: string): string => commands.replaceAll(`localhost:${API_PORT}/`, `localhost:${port}/`);
  return { here, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}

test("the guide to validating without asking, followed command by command beside its API", async () => {
  const tenant = await testTenant();
  await using shell = await guideShell(GUIDE, tenant);
  await shell.next();
  await shell.next((start) => start.replace(" npm start", ""));
  await shell.declare("offline.yaml", ["API_SECRET", "SHOP_SECRET"]);
  shell.skip(2);
  await using api = await startApi(tenant.server.url, await shell.print("API_SECRET"));
  assert.deepEqual(JSON.parse(await shell.next(api.here)), { shoes: ["red", "blue"], for: "shop" });
  const refused = await shell.next((commands) => api.here(commands.replace("sleep 1", UNTIL_TOLD)));
  assert.match(refused, /^HTTP\/1\.1 401 .*\s+www-authenticate: .*ended before its time"\s+$/i);
});
