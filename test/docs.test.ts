import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { OPERATIONS } from "../src/app.ts";
import { listVariables } from "../src/config.ts";
import type { Operation } from "../src/http/operation.ts";
import { MANAGEMENT_SCOPES } from "../src/protocol/management-scopes.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SKIPPED = ["**/node_modules/**", "data/**", "dist/**", "coverage/**", "**/.*/**"];
const NO_TEST = "no test yet";
const NOT_BUILT = "not built";

/** A Markdown file, by its path from the root. */
interface Page {
  readonly path: string;
  readonly text: string;
  /** without code blocks, where brackets are not links */
  readonly prose: string;
}

const pages = readPages();
const specifications = getPage("docs/specifications.md");

describe("the documentation", () => {
  test("links lead to files and headings that exist", () => {
    const broken = pages.flatMap((page) =>
      linksOf(page)
        .filter((link) => !leadsSomewhere(page, link))
        .map(at(page)),
    );
    assert.deepEqual(broken, []);
  });

  test("every decision has a number of its own, which its heading says", () => {
    const records = pages.filter(({ path }) => /^docs\/decisions\/\d{4}-/.test(path));
    const numbers = records.map(({ path }) => Number(path.slice("docs/decisions/".length).slice(0, 4)));
    assert.deepEqual(
      numbers.toSorted((a, b) => a - b),
      numbers.map((_, index) => index + 1),
    );
    for (const [index, { path, text }] of records.entries()) assert.ok(text.startsWith(`# ${numbers[index]}. `), path);
  });

  test("commands that are named exist in package.json", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const missing = pages.flatMap((page) =>
      commandsOf(page)
        .filter((name) => !(name in scripts))
        .map(at(page)),
    );
    assert.deepEqual(missing, []);
    assert.deepEqual(commandsOf(getPage("README.md")).slice(0, 2), ["start", "test"]);
  });

  test("every variable of the configuration is described, once, and no other", () => {
    const rows = getPage("docs/configuration.md").text.matchAll(/^\| `(MAYFLY_[A-Z_]+)` +\|/gm);
    const described = [...rows].map(([, name = ""]) => name);
    assert.deepEqual(described.sort(), [...listVariables()].sort());
  });
});

test("the table of scopes is that of the registry", () => {
  const lines = getPage("docs/scopes.md")
    .text.split("\n")
    .filter((line) => line.startsWith("| "));
  const [, , ...rows] = lines.map((line) => line.replaceAll(/ +\|/g, " |"));
  assert.deepEqual(
    rows,
    OPERATIONS.map(({ operation }) => scopeRow(operation)),
    "docs/scopes.md lacks rows, or has old ones",
  );
});

/** What an operation needs, as a row of `docs/scopes.md`. */
function scopeRow({ name, method, path, scopes }: Operation): string {
  const all = scopes.length === MANAGEMENT_SCOPES.length;
  const needed = all ? "every scope" : scopes.map((scope) => `\`${scope}\``).join(", ");
  return `| ${name} | \`${method} ${path.replace("/v1/tenants/{tenant}", "…")}\` | ${needed || "no token"} |`;
}

describe("the specifications' table", () => {
  test("each clause names its source, and its test or that there is none", () => {
    const rows = clausesOf(specifications);
    assert.ok(rows.length > 50, `only ${rows.length} clauses`);
    const wrong = rows.filter(({ source, proof }) => {
      if (source === NOT_BUILT) return proof !== NO_TEST;
      return !source.includes("](../src/") || (proof !== NO_TEST && testsOf(proof).length === 0);
    });
    assert.deepEqual(wrong, []);
  });

  test("each module of the certification profiles names its test", () => {
    const [, modules = ""] = specifications.text.split("\n| Module ");
    const [, , ...rows] = modules.split("\n").filter((line) => line.includes("|"));
    assert.ok(rows.length > 30, `only ${rows.length} modules`);
    assert.deepEqual(
      rows.filter((row) => testsOf(row).length === 0),
      [],
    );
  });

  test("each test that is named exists in the file that it is said to be in", () => {
    const named = testsOf(specifications.text);
    assert.ok(named.length > 200, `only ${named.length} tests`);
    const missing = named.filter(({ file, name }) => !hasTest(file, name));
    assert.deepEqual(missing, []);
  });
});

function readPages(): readonly Page[] {
  const paths = globSync("**/*.md", { cwd: ROOT, exclude: SKIPPED });
  return paths.sort().map((path) => {
    const text = readFileSync(join(ROOT, path), "utf8");
    const outsideBlocks = text.replaceAll(/^```.*?^```/gms, "");
    const prose = outsideBlocks.replaceAll(/`[^`\n]*`/g, (code) => code.replaceAll(/[[\]]/g, " "));
    return { path, text, prose };
  });
}

function getPage(path: string): Page {
  const page = pages.find((candidate) => candidate.path === path);
  if (page === undefined) throw new Error(`there is no ${path}`);
  return page;
}

function at(page: Page): (what: string) => string {
  return (what) => `${page.path}: ${what}`;
}

function linksOf({ prose }: Page): string[] {
  return [...prose.matchAll(/\]\(([^()\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

function leadsSomewhere(page: Page, link: string): boolean {
  const [file = "", heading] = link.split("#");
  const path = file === "" ? page.path : relative(ROOT, resolve(ROOT, dirname(page.path), file));
  if (path.startsWith("..") || !existsSync(join(ROOT, path))) return false;
  return heading === undefined || headingsOf(getPage(path)).includes(heading);
}

/** The names that links may use for headings: lower case, spaces as hyphens, no punctuation. */
function headingsOf({ prose }: Page): string[] {
  return [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(" ", "-"),
  );
}

function commandsOf({ text }: Page): string[] {
  const uses = text.matchAll(/\bnpm (?:run(?: --silent)? ([a-z][a-z:]*)|(start|test)\b)/g);
  return [...uses].map(([, script, shorthand]) => script ?? shorthand ?? "");
}

interface Clause {
  readonly clause: string;
  readonly source: string;
  readonly proof: string;
}

/** The rows of the page's tables: clause, what it asks for, where it is done, what proves it. */
function clausesOf({ text }: Page): readonly Clause[] {
  const rows = text.split("\n").filter((line) => line.startsWith("| §"));
  return rows.map((line) => {
    const [, clause = "", , source = "", proof = "", ...rest] = line.split("|").map((cell) => cell.trim());
    assert.deepEqual(rest, [""], `not four cells: ${line}`);
    return { clause, source, proof };
  });
}

/** `[file](../file) "name"; "another name"` */
function testsOf(proof: string): { readonly file: string; readonly name: string }[] {
  const links = proof.matchAll(/\]\(\.\.\/([^)]+\.test\.ts)\)((?:[;,]? "[^"]+")+)/g);
  return [...links].flatMap(([, file = "", names = ""]) =>
    [...names.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => ({ file, name })),
  );
}

/** Whether a file has a test of this name; what a template inserts must stand in the file too. */
function hasTest(file: string, name: string): boolean {
  const path = join(ROOT, file);
  if (!existsSync(path)) return false;
  const text = readFileSync(path, "utf8");
  const calls = text.matchAll(/\b(?:test|it)\(\s*(?:"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g);
  return [...calls].some(([, plain, template = ""]) => {
    if (plain !== undefined) return readEscapes(plain) === name;
    const parts = template.split(/\$\{[^}]*\}/).map((part) => RegExp.escape(readEscapes(part)));
    const inserted = new RegExp(`^${parts.join("(.+)")}$`).exec(name)?.slice(1);
    return inserted?.every((piece) => text.includes(piece)) ?? false;
  });
}

function readEscapes(literal: string): string {
  return literal.replaceAll(/\\(.)/g, "$1");
}
