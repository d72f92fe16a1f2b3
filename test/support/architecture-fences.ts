import type { Problem, Rule } from "./architecture-rules.ts";
import { isNode, type Node, nameOf, type SourceFile, stringOf } from "./architecture-source.ts";

const ENTROPY = [
  "randomBytes",
  "randomUUID",
  "randomUUIDv7",
  "randomInt",
  "randomFill",
  "randomFillSync",
  "getRandomValues",
];
const WALL_CLOCK = ["Date.now", "performance.now", "performance.timeOrigin", "process.hrtime", "process.uptime"];

/** Anchored at the start, and SELECT in one case: a sentence that merely speaks of selecting is no SQL. */
const SQL = [
  /^\s*(SELECT\b[\s\S]*\bFROM|select\b[\s\S]*\bfrom)\b/,
  /^\s*(insert\s+into|delete\s+from|update\s+[\w".]+\s+set|truncate\s+table|set\s+local)\s/i,
  /^\s*(create|drop|alter)\s+((unlogged|unique|temporary)\s+)?(table|index|schema|role|database|policy|function)\s/i,
  /^\s*with\s+(recursive\s+)?\w+\s*(\([^)]*\)\s*)?as\s+((not\s+)?materialized\s+)?\(/i,
];

/** The rules about what may be done where. */
export const fenceRules: Rule[] = [
  {
    name: "the environment is read by main and the command line",
    check: (file) =>
      isFenced(file, ["src/main.ts", "src/cli/"])
        ? [...members(file, ["process.env"]), ...imported(file, "node:process", ["env", "default", "*"])].map(
            (offset) => ({
              message: "reads the environment: take the value from config",
              offset,
            }),
          )
        : [],
    bad: [
      { path: "src/config.ts", text: "const port = process.env.PORT;" },
      { path: "src/config.ts", text: 'import { env } from "node:process";' },
    ],
    good: [{ path: "src/main.ts", text: "const config = readConfig(process.env);" }],
  },
  {
    name: "the clock comes in through deps",
    check: (file) =>
      isFenced(file, ["src/platform/"])
        ? [...members(file, WALL_CLOCK), ...clockConstructions(file)].map((offset) => ({
            message: "reads the wall clock: use deps.clock, or take the time as a parameter",
            offset,
          }))
        : [],
    bad: [
      { path: "src/oauth/token.ts", text: "const now = Date.now();" },
      { path: "src/oauth/token.ts", text: "const now = new Date();" },
      { path: "src/oauth/token.ts", text: "const now = performance.now();" },
      { path: "src/oauth/token.ts", text: "const now = Temporal.Now.instant();" },
    ],
    good: [
      { path: "src/platform/clock.ts", text: "const now = Date.now();" },
      { path: "src/http/server.ts", text: "const header = new Date(seconds * 1000).toUTCString();" },
      { path: "src/http/server.test.ts", text: "const now = Date.now();" },
    ],
  },
  {
    name: "randomness comes in through deps",
    check: (file) =>
      isFenced(file, ["src/platform/"])
        ? [
            ...members(file, ["Math.random", ...ENTROPY.map((name) => `crypto.${name}`)]),
            ...imported(file, "node:crypto", ENTROPY),
          ].map((offset) => ({
            message: "makes randomness: use deps.random, or take the bytes as a parameter",
            offset,
          }))
        : [],
    bad: [
      { path: "src/oauth/issue.ts", text: "const id = crypto.randomUUID();" },
      { path: "src/oauth/issue.ts", text: 'import { randomBytes } from "node:crypto";' },
      { path: "src/oauth/issue.ts", text: "const jitter = Math.random();" },
    ],
    good: [{ path: "src/oauth/issue.ts", text: 'import { createHash } from "node:crypto";' }],
  },
  {
    name: "SQL lives in queries.ts and database/",
    check: (file) => (isFenced(file, ["src/database/"]) && !file.path.endsWith("/queries.ts") ? sqlTexts(file) : []),
    bad: [
      { path: "src/oauth/token.ts", text: 'const sql = "SELECT id FROM tokens";' },
      { path: "src/oauth/token.ts", text: "const sql = `\n  insert into tokens values ($1)`;" },
      { path: "src/jobs/index.ts", text: "const sql = `DELETE FROM $" + "{table}`;" },
      { path: "src/jobs/index.ts", text: "const sql = `WITH dead AS (SELECT 1) SELECT 2`;" },
      { path: "src/jobs/index.ts", text: "const sql = 'update tokens set revoked_at = $1';" },
    ],
    good: [
      { path: "src/resources/token/queries.ts", text: 'const sql = "SELECT id FROM tokens";' },
      { path: "src/login/pages.ts", text: 'const text = "Select an account from the list";' },
      { path: "src/login/pages.ts", text: 'const text = "update the realm";' },
    ],
  },
  {
    name: "types are not cast",
    check: (file) => (isFenced(file, ["src/database/"]) && !file.path.endsWith("/queries.ts") ? casts(file) : []),
    bad: [
      { path: "src/oauth/token.ts", text: "const body = input as Body;" },
      { path: "src/oauth/token.ts", text: "const body = input as unknown as Body;" },
      { path: "src/oauth/token.ts", text: "const body = <Body>input;" },
    ],
    good: [
      { path: "src/oauth/token.ts", text: 'const kinds = ["a", "b"] as const;' },
      { path: "src/oauth/token.ts", text: "const kinds = { a: 1 } satisfies Kinds;" },
      { path: "src/resources/token/queries.ts", text: "const row = rows[0] as TokenRow;" },
      { path: "src/oauth/token.test.ts", text: "const body = input as Body;" },
    ],
  },
];

function isFenced(file: SourceFile, places: string[]): boolean {
  return file.path.startsWith("src/") && !file.isTest && !places.some((place) => file.path.startsWith(place));
}

/** Where one of `object.member` is used. */
function members(file: SourceFile, names: string[]): number[] {
  const uses = file.nodes.filter(({ node }) => {
    if (node.type !== "MemberExpression") return false;
    const object = isNode(node.object) && node.object.type === "MemberExpression" ? node.object.property : node.object;
    return names.includes(`${nameOf(object)}.${nameOf(node.property)}`);
  });
  return uses.map(({ node }) => node.start);
}

function imported(file: SourceFile, specifier: string, names: string[]): number[] {
  const matching = file.imports.filter(
    (entry) => entry.specifier === specifier && entry.names.some((name) => names.includes(name)),
  );
  return matching.map(({ offset }) => offset);
}

/** `new Date()` tells the time; `new Date(value)` only converts one. */
function clockConstructions(file: SourceFile): number[] {
  const found = file.nodes.filter(({ node }) => isBareDate(node) || isTemporalNow(node));
  return found.map(({ node }) => node.start);
}

function isBareDate(node: Node): boolean {
  if (nameOf(node.callee) !== "Date") return false;
  return node.type === "CallExpression" || (Array.isArray(node.arguments) && node.arguments.length === 0);
}

function isTemporalNow(node: Node): boolean {
  return node.type === "MemberExpression" && nameOf(node.object) === "Temporal" && nameOf(node.property) === "Now";
}

function sqlTexts(file: SourceFile): Problem[] {
  const found = file.nodes.filter(({ node }) => SQL.some((pattern) => pattern.test(textOf(node))));
  return found.map(({ node }) => ({
    message: "contains SQL: move it into the resource's queries.ts",
    offset: node.start,
  }));
}

function textOf(node: Node): string {
  if (node.type !== "TemplateLiteral" || !Array.isArray(node.quasis)) return stringOf(node) ?? "";
  return node.quasis.map((quasi) => rawOf(quasi)).join("x");
}

function rawOf(quasi: unknown): string {
  if (!isNode(quasi) || typeof quasi.value !== "object" || quasi.value === null || !("raw" in quasi.value)) return "";
  return String(quasi.value.raw);
}

function casts(file: SourceFile): Problem[] {
  const found = file.nodes.filter(
    ({ node }) => node.type === "TSTypeAssertion" || (node.type === "TSAsExpression" && !isConst(node)),
  );
  return found.map(({ node }) => ({
    message: "casts a type: parse what comes from outside, or write a type guard; only rows are cast, in queries.ts",
    offset: node.start,
  }));
}

function isConst(node: Node): boolean {
  return isNode(node.typeAnnotation) && nameOf(node.typeAnnotation.typeName) === "const";
}
