import { type SchemaNode, toNode } from "./schema-node.ts";

/** Schemas that have a name: they are written once, and referred to wherever they occur. */
export interface Components {
  /** Gives a schema of an object a name, unless the same schema has one already, or the name another schema. */
  add(name: string, schema: unknown): void;
  /** A schema with references in place of those that have names. */
  refer(schema: unknown): SchemaNode;
  /** All of them by name. */
  list(): Readonly<Record<string, SchemaNode>>;
}

/** Collects the named schemas of a document. All have to be added before the first is referred to. */
export function createComponents(): Components {
  const nodes = new Map<string, SchemaNode>();
  const names = new Map<string, string>();

  function replace(value: unknown, own: string): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((element) => replace(element, ""));
    const name = names.get(JSON.stringify(value));
    if (name !== undefined && name !== own) return { $ref: `#/components/schemas/${name}` };
    return Object.fromEntries(Object.entries(value).map(([member, inner]) => [member, replace(inner, "")]));
  }

  return {
    add: (name, schema) => {
      const node = toNode(schema);
      const text = JSON.stringify(node);
      if (node.properties === undefined || names.has(text) || nodes.has(name)) return;
      nodes.set(name, node);
      names.set(text, name);
    },
    refer: (schema) => toNode(replace(toNode(schema), "")),
    list: () => {
      const sorted = [...nodes].sort(([one], [other]) => (one < other ? -1 : 1));
      return Object.fromEntries(sorted.map(([name, node]) => [name, toNode(replace(node, name))]));
    },
  };
}
