import { readdirSync, readFileSync } from "node:fs";
import { join, posix, sep } from "node:path";
import { type Comment, parseSync } from "oxc-parser";

/** A node of the syntax tree (ESTree with TypeScript's nodes): what all nodes have, and the rest unread. */
export type Node = { type: string; start: number; end: number } & Record<string, unknown>;

/** A file as the rules see it. */
export type SourceFile = {
  /** From the root of the repository, with forward slashes. */
  path: string;
  text: string;
  isTest: boolean;
  comments: Comment[];
  /** Every node, outer ones first, with its parent. */
  nodes: { node: Node; parent: Node | undefined }[];
  imports: Import[];
  lineOf: (offset: number) => number;
};

/** One import, re-export or dynamic import. */
export type Import = { specifier: string; isTypeOnly: boolean; names: string[]; offset: number };

const FOLDERS = ["src", "test", "bench", "bin"];
const SOURCE_NAME = /\.(ts|tsx|mts|cts|js|mjs|cjs)$/;

/** Reads every source file of the repository. */
export function readSources(root: string): SourceFile[] {
  return FOLDERS.flatMap((folder) => listFiles(root, folder)).map((path) =>
    parseSource(path, readFileSync(join(root, path), "utf8")),
  );
}

function listFiles(root: string, folder: string): string[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
  const sources = names.filter((name) => SOURCE_NAME.test(name) && !name.includes("node_modules"));
  return sources.map((name) => posix.join(folder, name.split(sep).join("/"))).sort();
}

/** Parses one file; one that does not parse breaks the run, since no rule could be trusted on it. */
export function parseSource(path: string, text: string): SourceFile {
  const { program, comments, errors } = parseSync(path, text, { sourceType: "module" });
  const [error] = errors;
  if (error !== undefined) throw new Error(`${path} does not parse: ${error.message}`);
  const nodes = walk(program);
  const lineStarts = [0, ...[...text.matchAll(/\n/g)].map((match) => match.index + 1)];
  return {
    path,
    text,
    isTest: path.startsWith("test/") || path.endsWith(".test.ts"),
    comments,
    nodes,
    imports: nodes.flatMap(({ node }) => readImport(node)),
    lineOf: (offset) => lineStarts.filter((start) => start <= offset).length,
  };
}

function walk(program: unknown): SourceFile["nodes"] {
  const found: SourceFile["nodes"] = [];
  const visit = (value: unknown, parent: Node | undefined): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(item, parent);
    } else if (isNode(value)) {
      found.push({ node: value, parent });
      for (const member of Object.values(value)) visit(member, value);
    }
  };
  visit(program, undefined);
  return found;
}

/** Whether a value of the tree is a node. */
export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

/** The name of an identifier, or of a member or key that is written as one. */
export function nameOf(value: unknown): string | undefined {
  if (!isNode(value)) return undefined;
  if (value.type === "Identifier" && typeof value.name === "string") return value.name;
  return stringOf(value);
}

/** The text of a string literal. */
export function stringOf(value: unknown): string | undefined {
  return isNode(value) && value.type === "Literal" && typeof value.value === "string" ? value.value : undefined;
}

function readImport(node: Node): Import[] {
  const specifier = stringOf(node.source);
  if (specifier === undefined) return [];
  if (node.type === "ImportDeclaration" || node.type === "ExportNamedDeclaration") {
    const parts = Array.isArray(node.specifiers) ? node.specifiers.filter(isNode) : [];
    const isTypeOnly =
      node.importKind === "type" || node.exportKind === "type" || (parts.length > 0 && parts.every(isType));
    const names = parts.filter((part) => !isType(part)).map((part) => nameOf(part.imported ?? part.local) ?? "default");
    return [{ specifier, isTypeOnly, names, offset: node.start }];
  }
  if (node.type !== "ImportExpression" && node.type !== "ExportAllDeclaration") return [];
  return [{ specifier, isTypeOnly: node.exportKind === "type", names: ["*"], offset: node.start }];
}

function isType(specifier: Node): boolean {
  return specifier.importKind === "type" || specifier.exportKind === "type";
}
