import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { listViolations, rules } from "./support/architecture-rules.ts";
import { parseSource, readSources } from "./support/architecture-source.ts";

const sources = readSources(fileURLToPath(new URL("..", import.meta.url)));

describe("the house rules", () => {
  for (const rule of rules) {
    test(rule.name, () => {
      const violations = listViolations(rule, sources);
      assert.ok(violations.length === 0, violations.join("\n"));
    });
  }
});

describe("the house rules' own test", () => {
  test("the sources are found", () => {
    assert.ok(sources.some(({ path }) => path === "test/architecture.test.ts"));
    assert.ok(sources.some(({ path }) => path.startsWith("src/")));
  });

  for (const rule of rules) {
    test(`${rule.name}: each bad sample is found, no good one is`, () => {
      for (const { path, text } of rule.bad) {
        assert.notDeepEqual(listViolations(rule, [parseSource(path, text)]), [], `not found: ${path}: ${text}`);
      }
      for (const { path, text } of rule.good) {
        assert.deepEqual(listViolations(rule, [parseSource(path, text)]), [], `found: ${path}: ${text}`);
      }
    });
  }
});
