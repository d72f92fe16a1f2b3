import { type Document, isMap, isNode, isScalar, isSeq, type LineCounter, type Node } from "yaml";

/** A place in a file: member names and positions in lists. */
export type Path = readonly (string | number)[];

/** Most aliases that a file may use. */
export const ALIASES_MAX = 100;

/** The line of a place, or of the nearest place around it that is written; undefined where not even its first part is. */
export function findLine(document: Document, path: Path, lines: LineCounter): number | undefined {
  let node: unknown = document.contents;
  let line: number | undefined;
  for (const part of path) {
    const next = stepInto(node, part);
    if (next === undefined) return line;
    line = lineOfNode(next.key ?? next.value, lines) ?? line;
    node = next.value;
  }
  return line;
}

/** The line of a node; undefined for what is none. */
export function lineOfNode(node: unknown, lines: LineCounter): number | undefined {
  const range: Node["range"] | undefined = isNode(node) ? node.range : undefined;
  return range ? lines.linePos(range[0]).line : undefined;
}

function stepInto(node: unknown, part: string | number): { key?: unknown; value: unknown } | undefined {
  if (isSeq(node))
    return typeof part === "number" && part < node.items.length ? { value: node.items[part] } : undefined;
  if (!isMap(node)) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
  return pair === undefined ? undefined : { key: pair.key, value: pair.value };
}
