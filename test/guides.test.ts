import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

// Somebody follows one guide after the other, on one server, in a clone from which they commit.

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** A tenant's or a realm's, in a declarative file. */
const DECLARED_ID = /- id: "([0-9a-f]{16})"/g;
const REALM_MADE = /POST \/realms -d '\{"realm": \{"display_name": "([^"]+)"/g;
/** A name without a folder behind what writes a file, or reads one that the guide has shown. */
const FILE_WRITTEN = /(?:\s(?:>|tee|-o|-f) |MAYFLY_CONFIG=)([a-z][\w.-]*)/g;

const guides = globSync("docs/guides/*.md", { cwd: ROOT })
  .sort()
  .map((path) => readFileSync(join(ROOT, path), "utf8"));

/** What all guides have of this, as often as they have it. */
function listAll(pattern: RegExp): readonly string[] {
  return guides.flatMap((text) => [...text.matchAll(pattern)].map(([, found = ""]) => found));
}

function listRepeated(names: readonly string[]): readonly string[] {
  return names.filter((name, index) => names.indexOf(name) !== index);
}

describe("guides that are followed one after the other", () => {
  test("declare tenants and realms of ids that no other declares", () => {
    const ids = listAll(DECLARED_ID);
    assert.ok(ids.length > 15, `only ${ids.length} ids`);
    assert.deepEqual(listRepeated(ids), []);
  });

  test("make realms of names that no other makes", () => {
    const names = listAll(REALM_MADE);
    assert.ok(names.length >= 5, `only ${names.length} names`);
    assert.deepEqual(listRepeated(names), []);
  });

  test("leave no file in a clone that git would take", () => {
    const ignored = readFileSync(join(ROOT, ".gitignore"), "utf8").split("\n");
    const written = guides.flatMap((text) =>
      [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, code = ""]) =>
        [...code.matchAll(FILE_WRITTEN)].map(([, name = ""]) => `/${name}`),
      ),
    );
    assert.ok(written.length > 15, `only ${written.length} files`);
    assert.deepEqual(
      written.filter((name) => !ignored.includes(name)),
      [],
    );
  });
});
