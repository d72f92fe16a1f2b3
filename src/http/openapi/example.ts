import type { SchemaNode } from "./schema-node.ts";

/** Finds the schema that a reference names. */
export type Resolve = (node: SchemaNode) => SchemaNode;

const DEPTH_MAX = 6;
const HEX_ID = "0001f1f460b1ace6";
const UUID = "73731b7f-eb76-4143-9b4b-81a720385f5a";
const INSTANT = "2026-03-14T09:26:53.589Z";
const NUMBER = 300;

/** Reads the schemas of a document's components by their references. */
export function createResolver(schemas: Readonly<Record<string, SchemaNode>>): Resolve {
  return (node) => (node.$ref === undefined ? node : (schemas[node.$ref.split("/").at(-1) ?? ""] ?? {}));
}

/**
 * A value that fits a schema, for people to read.
 *
 * @param use for a request only what has to be sent, and no more than one optional member where nothing has to be
 */
export function exampleOf(schema: SchemaNode, resolve: Resolve, use: "request" | "answer", depth = 0): unknown {
  const node = resolve(schema);
  if (node.const !== undefined) return node.const;
  if (node.enum !== undefined) return node.enum[0];
  const [choice] = node.anyOf ?? node.oneOf ?? [];
  if (choice !== undefined) return exampleOf(choice, resolve, use, depth);
  const type = typesOf(node)[0];
  if (type === "object" || node.properties !== undefined) return exampleObject(node, resolve, use, depth);
  if (type === "array") return depth > DEPTH_MAX ? [] : [exampleOf(node.items ?? {}, resolve, use, depth + 1)];
  if (type === "integer" || type === "number")
    return Math.max(node.minimum ?? 0, Math.min(NUMBER, node.maximum ?? NUMBER));
  if (type === "boolean") return true;
  return type === "string" ? exampleText(node) : {};
}

/** The types of a schema, `null` last. */
export function typesOf({ type }: SchemaNode): readonly string[] {
  const all = type === undefined ? [] : [type].flat();
  return all.toSorted((one, other) => Number(one === "null") - Number(other === "null"));
}

function exampleObject(node: SchemaNode, resolve: Resolve, use: "request" | "answer", depth: number): object {
  const required = new Set(node.required);
  const members = Object.entries(node.properties ?? {}).filter(([, member]) => use === "answer" || !member.readOnly);
  const needed = members.filter(([name]) => required.has(name));
  const shown = use === "answer" || (needed.length === 0 && members.length <= 2) ? members : needed;
  const chosen = shown.length > 0 ? shown : members.slice(0, 1);
  if (depth > DEPTH_MAX) return {};
  return Object.fromEntries(
    chosen.map(([name, member]) => [name, named(name, member, exampleOf(member, resolve, use, depth + 1))]),
  );
}

const WORDS: Readonly<Record<string, string>> = {
  display_name: "Clerks",
  description: "At the till",
  scope: "shoes:read shoes:write",
  username: "pat",
  primary_email_address: "pat@example.com",
  token_type: "Bearer",
  filter: 'display_name sw "C"',
};

function named(name: string, { enum: words }: SchemaNode, value: unknown): unknown {
  return words === undefined && typeof value === "string" ? (WORDS[name] ?? value) : value;
}

function exampleText({ pattern = "", format, minLength = 0 }: SchemaNode): string {
  if (format === "date-time") return INSTANT;
  if (pattern.includes("{16}")) return HEX_ID;
  if (pattern.includes("[0-9a-f]{8}-")) return UUID;
  if (pattern === "^[0-9a-f]{32}$") return HEX_ID.repeat(2);
  if (pattern.startsWith("^[1-9][0-9]")) return String(NUMBER);
  return minLength > "text".length ? "x".repeat(minLength) : "text";
}
