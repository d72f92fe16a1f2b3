import assert from "node:assert/strict";
import { test } from "node:test";
import { formatPairs, formatTable } from "./table.ts";

test("columns are as wide as what is in them, and lines have no blanks at their ends", () => {
  const rows = [
    ["a", "1"],
    ["ünicode", ""],
  ];
  assert.equal(formatTable(["NAME", "SIZE"], rows), "NAME     SIZE\na        1\nünicode");
  assert.equal(formatTable(["NAME"], []), "NAME");
});

test("a value cannot move the cursor or colour the terminal", () => {
  assert.equal(formatTable(["N"], [["a\u001b[2Jb\nc"]]), "N\na [2Jb c");
  assert.equal(formatPairs([["name", "a\rb"]]), "name  a b");
});

test("pairs are aligned", () => {
  assert.equal(
    formatPairs([
      ["a", "1"],
      ["long", "2"],
    ]),
    "a     1\nlong  2",
  );
});
