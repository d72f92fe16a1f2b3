import { posix } from "node:path";
import type { Problem, Rule } from "./architecture-rules.ts";
import { isNode, type Node, nameOf, type SourceFile } from "./architecture-source.ts";

const FILE_LINES_MAX = 400;
const FUNCTION_LINES_MAX = 60;
const PARAMETERS_MAX = 4;

const FILE_NAME = /^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d)?\.(ts|tsx|mjs)$/;
const BANNED_NAMES = ["util", "utils", "helper", "helpers", "common", "misc", "types", "shared"];
const TEST_FUNCTIONS = ["test", "it", "describe", "suite", "t", "context"];
const SUITES = ["describe", "suite"];
const HIDING = ["skip", "only", "todo"];
const NOTE = /\b(TODO|FIXME|XXX|HACK)\b/;
const NOTE_WITH_ISSUE = /\bTODO\(#\d+\)/;

/** Node's test runner takes a reporter only as a default export. */
const DEFAULT_EXPORT_REQUIRED = ["bin/reporter.mjs"];

/** The rules about how a file looks. */
export const shapeRules: Rule[] = [
  {
    name: `a file has at most ${FILE_LINES_MAX} lines`,
    check: ({ text }) => {
      const lines = text.trimEnd().split("\n").length;
      return lines <= FILE_LINES_MAX
        ? []
        : [{ message: `has ${lines} lines: split it by what its parts are for`, offset: 0 }];
    },
    bad: [{ path: "src/app.ts", text: "// line\n".repeat(FILE_LINES_MAX + 1) }],
    good: [{ path: "src/app.ts", text: "// line\n".repeat(FILE_LINES_MAX) }],
  },
  {
    name: `a function has at most ${FUNCTION_LINES_MAX} lines`,
    check: (file) => functions(file).flatMap((entry) => checkLength(file, entry)),
    bad: [
      { path: "src/app.ts", text: `function long() {\n${"step();\n".repeat(FUNCTION_LINES_MAX)}}` },
      { path: "src/app.test.ts", text: `test("long", () => {\n${"step();\n".repeat(FUNCTION_LINES_MAX)}});` },
    ],
    good: [
      { path: "src/app.ts", text: `function long() {\n${"step();\n".repeat(FUNCTION_LINES_MAX - 2)}}` },
      { path: "src/app.test.ts", text: `describe("long", () => {\n${"step();\n".repeat(FUNCTION_LINES_MAX)}});` },
    ],
  },
  {
    name: `a function has at most ${PARAMETERS_MAX} parameters`,
    check: (file) => functions(file).flatMap(({ node }) => checkParameters(node)),
    bad: [{ path: "src/app.ts", text: "const many = (a: A, b: B, c: C, d: D, e: E) => a;" }],
    good: [{ path: "src/app.ts", text: "const few = (a: A, b: B, c: C, d: D) => a;" }],
  },
  {
    name: "nothing is exported as default",
    check: (file) => (DEFAULT_EXPORT_REQUIRED.includes(file.path) ? [] : defaultExports(file)),
    bad: [
      { path: "src/app.ts", text: "export default function app() {}" },
      { path: "src/app.ts", text: "const app = 1;\nexport { app as default };" },
    ],
    good: [{ path: "src/app.ts", text: "export function app() {}" }],
  },
  {
    name: "a file is named after what it exports, in kebab-case",
    check: ({ path }) => checkName(posix.basename(path)),
    bad: [
      { path: "src/http/errorPages.ts", text: "" },
      { path: "src/http/utils.ts", text: "" },
      { path: "src/protocol/types.ts", text: "" },
      { path: "test/support/helpers.ts", text: "" },
    ],
    good: [{ path: "src/http/error-pages.ts", text: "" }],
  },
  {
    name: "a note of work left names its issue",
    check: ({ comments }) =>
      comments
        .filter(({ value }) => NOTE.test(value) && !NOTE_WITH_ISSUE.test(value))
        .map(({ start }) => ({
          message: "leaves work without an issue: write TODO(#123), or do it now",
          offset: start,
        })),
    bad: [
      { path: "src/app.ts", text: "// TODO tidy this" },
      { path: "src/app.ts", text: "/* FIXME */" },
    ],
    good: [{ path: "src/app.ts", text: '// TODO(#12): tidy this\nconst text = "TODO";' }],
  },
  {
    name: "no test is hidden",
    check: (file) => file.nodes.flatMap(({ node }) => (isHiding(node) ? [hidden(node)] : [])),
    bad: [
      { path: "test/a.test.ts", text: 'test.skip("a", () => {});' },
      { path: "test/a.test.ts", text: 'describe.only("a", () => {});' },
      { path: "test/a.test.ts", text: 'test("a", { skip: true }, () => {});' },
      { path: "test/a.test.ts", text: 'test("a", (t) => t.skip());' },
    ],
    good: [{ path: "test/a.test.ts", text: 'test("a", { timeout: 1000 }, () => {});\nlist.skip(1);' }],
  },
];

type FunctionEntry = { node: Node; parent: Node | undefined };

function functions(file: SourceFile): FunctionEntry[] {
  return file.nodes.filter(({ node }) => {
    return /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type);
  });
}

function checkLength(file: SourceFile, { node, parent }: FunctionEntry): Problem[] {
  if (parent?.type === "CallExpression" && SUITES.includes(nameOf(parent.callee) ?? "")) return [];
  const lines = file.lineOf(node.end) - file.lineOf(node.start) + 1;
  if (lines <= FUNCTION_LINES_MAX) return [];
  return [{ message: `has a function of ${lines} lines: give its steps names`, offset: node.start }];
}

function checkParameters(node: Node): Problem[] {
  const count = Array.isArray(node.params) ? node.params.length : 0;
  if (count <= PARAMETERS_MAX) return [];
  return [{ message: `has a function of ${count} parameters: take an object`, offset: node.start }];
}

function defaultExports(file: SourceFile): Problem[] {
  const found = file.nodes.filter(({ node }) => {
    if (node.type === "ExportDefaultDeclaration") return true;
    return node.type === "ExportSpecifier" && nameOf(node.exported) === "default";
  });
  return found.map(({ node }) => ({ message: "exports a default: export it by its name", offset: node.start }));
}

function checkName(name: string): Problem[] {
  if (!FILE_NAME.test(name)) return [{ message: "is not named in kebab-case: rename it", offset: 0 }];
  const [stem = ""] = name.split(".");
  if (!BANNED_NAMES.includes(stem)) return [];
  return [{ message: `is named ${stem}, which says nothing: name it after what it exports`, offset: 0 }];
}

/** `test.skip(...)`, `t.skip()` and `test(name, { skip: ... })`. */
function isHiding(node: Node): boolean {
  if (node.type !== "CallExpression" || !isNode(node.callee)) return false;
  if (node.callee.type === "MemberExpression") {
    const isTestFunction = TEST_FUNCTIONS.includes(nameOf(node.callee.object) ?? "");
    return isTestFunction && HIDING.includes(nameOf(node.callee.property) ?? "");
  }
  if (!TEST_FUNCTIONS.includes(nameOf(node.callee) ?? "") || !Array.isArray(node.arguments)) return false;
  return node.arguments.some((argument) => optionNames(argument).some((name) => HIDING.includes(name)));
}

function optionNames(argument: unknown): string[] {
  if (!isNode(argument) || argument.type !== "ObjectExpression" || !Array.isArray(argument.properties)) return [];
  return argument.properties.map((property) => (isNode(property) ? (nameOf(property.key) ?? "") : ""));
}

function hidden(node: Node): Problem {
  return { message: "hides tests: let it run, or delete it", offset: node.start };
}
