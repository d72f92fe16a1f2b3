import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeclaredFile, SecretSource } from "./file-schema.ts";
import { resolveSecrets, type SecretPlaces } from "./secrets.ts";

const PATH = ["tenants", 0, "realms", 0, "applications", 0, "protocol_config", "client_secret"];
const places: SecretPlaces = {
  environment: { JOB: "from the environment", EMPTY: "" },
  directory: "/etc/mayfly",
  readText: async (path) => {
    if (path === "/etc/mayfly/job.secret") return "from the file\n";
    throw Object.assign(new Error("no such file"), { code: "ENOENT" });
  },
};

function fileWith(client_secret: SecretSource): DeclaredFile {
  const application = { id: "00000000-0000-4000-8000-000000000001", protocol_config: { client_secret } };
  return { version: 1, tenants: [{ id: "a", realms: [{ id: "b", applications: [application] }] }] };
}

test("a secret is read from the environment, from a file beside the declarative one, or from the text", async () => {
  const cases = [
    [{ env: "JOB" }, "from the environment"],
    [{ file: "job.secret" }, "from the file"],
    ["as it stands", "as it stands"],
  ] as const;
  for (const [source, expected] of cases) {
    const secrets = await resolveSecrets(fileWith(source), places);
    assert.deepEqual(secrets.problems, []);
    assert.equal(secrets.find(PATH), expected);
  }
});

test("a secret that is not there is told by its place", async () => {
  const cases = [
    [{ env: "EMPTY" }, "the environment has no EMPTY"],
    [{ file: "other" }, "other cannot be read (ENOENT)"],
  ] as const;
  for (const [source, rule] of cases) {
    const secrets = await resolveSecrets(fileWith(source), places);
    assert.deepEqual(secrets.problems, [{ path: PATH, rule }]);
  }
});
