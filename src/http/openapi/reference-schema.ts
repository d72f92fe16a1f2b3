import { type Html, html } from "../html.ts";
import { type Resolve, typesOf } from "./example.ts";
import type { SchemaNode } from "./schema-node.ts";

const DEPTH_MAX = 8;
const WORDS_MAX = 12;

/** How a schema is read. */
export interface Reading {
  readonly resolve: Resolve;
  /** what has to be sent is marked in requests, what may be missing in answers */
  readonly use: "request" | "answer";
  /** how far inside it is */
  readonly depth?: number;
}

/** A schema as people read it: its members, each with its type, its rules and what is in it. */
export function renderSchema(schema: SchemaNode, reading: Reading): Html {
  const { resolve } = reading;
  const node = resolve(schema);
  const members = Object.entries(node.properties ?? {});
  if (members.length === 0) return html`<p class="type">${describeType(node, resolve)}</p>`;
  const required = new Set(node.required);
  const ignored = members.filter(([, { readOnly }]) => readOnly === true).map(([name]) => html`<code>${name}</code> `);
  const written = members.filter(([, { readOnly }]) => readOnly !== true);
  return html`<ul class="members">${written.map(([name, member]) =>
    renderMember({ name, member, isRequired: required.has(name) }, reading),
  )}${ignored.length === 0 ? undefined : html`<li class="type">Ignored where they are sent: ${ignored}</li>`}</ul>`;
}

/** One member of an object, or one parameter. */
export interface Member {
  readonly name: string;
  readonly member: SchemaNode;
  readonly isRequired: boolean;
  readonly description?: string | undefined;
}

/** One member with its type and its rules; what an object holds is folded. */
export function renderMember({ name, member, isRequired, description }: Member, reading: Reading): Html {
  const { resolve, use, depth = 0 } = reading;
  const node = resolve(member);
  const inner = innerOf(node, resolve);
  const words = description ?? node.description;
  const isOpen = use === "request" && depth === 0;
  return html`<li><code class="name">${name}</code> <span class="type">${describeType(node, resolve)}</span>${markOf(
    use,
    isRequired,
  )}${words === undefined ? undefined : html`<p>${words}</p>`}${
    inner === undefined || depth >= DEPTH_MAX
      ? undefined
      : html`<details${isOpen ? html` open` : undefined}><summary>Members of <code>${name}</code></summary>${renderSchema(
          inner,
          { resolve, use, depth: depth + 1 },
        )}</details>`
  }</li>`;
}

function markOf(use: Reading["use"], isRequired: boolean): Html | undefined {
  if (use === "request") return isRequired ? html` <span class="needed">required</span>` : undefined;
  return isRequired ? undefined : html` <span class="type">(where there is one)</span>`;
}

// What is inside: an object's members, those of an array's elements, those of the first choice that has any.
function innerOf(node: SchemaNode, resolve: Resolve): SchemaNode | undefined {
  if (Object.keys(node.properties ?? {}).length > 0) return node;
  if (node.items !== undefined) return innerOf(resolve(node.items), resolve);
  return (node.anyOf ?? node.oneOf ?? []).map((choice) => innerOf(resolve(choice), resolve)).find((found) => found);
}

function describeType(node: SchemaNode, resolve: Resolve): string {
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.enum !== undefined) return describeWords(node.enum);
  const choices = node.anyOf ?? node.oneOf;
  if (choices !== undefined) return choices.map((choice) => describeType(resolve(choice), resolve)).join(" or ");
  const types = typesOf(node);
  if (types.length === 0) return "anything";
  const named = types.map((type) => {
    if (type !== "array") return type;
    return `array of ${node.items === undefined ? "anything" : describeType(resolve(node.items), resolve)}`;
  });
  return [named.join(" or "), ...rulesOf(node)].join(", ");
}

function describeWords(words: readonly unknown[]): string {
  const shown = words.slice(0, WORDS_MAX).map((word) => JSON.stringify(word));
  const more = words.length - shown.length;
  return `${shown.join(" or ")}${more > 0 ? ` or one of ${more} more` : ""}`;
}

function rulesOf(node: SchemaNode): string[] {
  return [
    ...range(node.minimum, node.maximum, ""),
    ...range(node.minLength, node.maxLength, " characters"),
    ...range(node.minItems, node.maxItems, " elements"),
    ...(node.format === undefined ? [] : [node.format]),
    ...describePattern(node.pattern),
  ];
}

const PATTERN_LENGTH_MAX = 40;

function describePattern(pattern: string | undefined): string[] {
  if (pattern === undefined) return [];
  const digits = /^\^\[0-9a-f\]\{(\d+)\}\$$/.exec(pattern)?.[1];
  if (digits !== undefined) return [`${digits} hexadecimal digits`];
  if (pattern.startsWith("^[0-9a-f]{8}-")) return ["a UUID"];
  // What characters a text may not have is said by the refusal.
  return pattern.length > PATTERN_LENGTH_MAX || pattern.startsWith("^[^") ? [] : [`/${pattern}/`];
}

function range(least: number | undefined, most: number | undefined, unit: string): string[] {
  if (least !== undefined && most !== undefined) return [`${least} to ${most}${unit}`];
  if (most !== undefined) return [`at most ${most}${unit}`];
  return least === undefined || least === 0 ? [] : [`at least ${least}${unit}`];
}
