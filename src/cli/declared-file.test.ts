import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readDeclaredPart } from "./declared-file.ts";

const TENANT = "00000000000000ab";
const TEXT = `version: 1
tenants:
  - id: "00000000000000aa"
  - id: "${TENANT}"
    realms:
      - id: "00000000000000cd"
        applications:
          - id: 5f1d7a52-7d0c-4c6e-9a53-6b1f0a5be001
            protocol_config:
              client_secret: {env: THE_SECRET}
`;

function source(text = TEXT, environment = {}, directory = "/") {
  return { name: "file.yaml", text, directory, environment };
}

test("the part of one tenant is taken out of a file, with its secrets", async () => {
  const part = await readDeclaredPart(source(TEXT, { THE_SECRET: "hidden" }), TENANT);
  assert.equal(part.tenant.id, TENANT);
  assert.match(JSON.stringify(part.tenant), /"client_secret":"hidden"/);
  assert.deepEqual(part.others, ["00000000000000aa"]);
});

test("a part that stands alone is taken as it is", async () => {
  const part = await readDeclaredPart(source(`id: "${TENANT}"\ndisplay_name: Shop`), TENANT);
  assert.deepEqual(part.tenant, { id: TENANT, display_name: "Shop" });
  const unnamed = await readDeclaredPart(source("display_name: Shop"), TENANT);
  assert.deepEqual(unnamed.tenant, { id: TENANT, display_name: "Shop" });
});

test("a secret in a file is read from where the declarative file is", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "mayfly-cli-"));
  t.after(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, "secret"), "hidden\n");
  const text = TEXT.replace("env: THE_SECRET", "file: secret");
  const part = await readDeclaredPart(source(text, {}, directory), TENANT);
  assert.match(JSON.stringify(part.tenant), /"client_secret":"hidden"/);
  await assert.rejects(readDeclaredPart(source(text, {}, "/nowhere"), TENANT), {
    message: "file.yaml:10: client_secret: secret cannot be read",
  });
});

test("what is wrong is told with its line", async () => {
  await assert.rejects(readDeclaredPart(source(), TENANT), {
    message: "file.yaml:10: client_secret: the environment has no THE_SECRET",
  });
  await assert.rejects(readDeclaredPart(source("a: [b"), TENANT), { message: /^file.yaml:1: is not YAML/ });
  const bomb = `a: &a [1, 1]\n${Array.from({ length: 9 }, (_, n) => `b${n}: &b${n} [${Array(9).fill(n === 0 ? "*a" : `*b${n - 1}`)}]`).join("\n")}`;
  await assert.rejects(readDeclaredPart(source(bomb), TENANT), { message: /^file.yaml:1: is not YAML: .*alias/i });
  await assert.rejects(readDeclaredPart(source(), "00000000000000ff"), { message: /says nothing of 00000000000000ff/ });
  const { locate } = await readDeclaredPart(source(TEXT, { THE_SECRET: "hidden" }), TENANT);
  const told = { field: "realms[0].applications[0].display_name", description: "missing" };
  assert.equal(locate(told), "file.yaml:8: realms[0].applications[0].display_name: missing");
  assert.match(locate({ field: "tenant", description: "x" }), /^file.yaml:4:/);
});
