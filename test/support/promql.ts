import type { Declaration } from "../../src/platform/metrics.ts";

// As much of PromQL as it takes to know which metrics and labels an expression speaks of.

/** Labels that Prometheus adds itself. */
const PROMETHEUS_LABELS = ["instance", "job"];
const WORDS = new Set(["by", "without", "on", "ignoring", "group_left", "group_right", "or", "and", "unless", "bool"]);
const SUFFIXES = ["_bucket", "_sum", "_count"];

/** What an expression names that the registry does not know, in words; and which of the registry it uses. */
export interface ReadExpression {
  readonly problems: readonly string[];
  readonly used: ReadonlySet<string>;
  /** the labels that its series still have; undefined when it does not group them away */
  readonly labels: ReadonlySet<string>;
}

interface Series {
  readonly name: string;
  readonly labels: readonly string[];
}

/** Reads one expression by the registry of metrics. */
export function readExpression(expression: string, declared: readonly Declaration[]): ReadExpression {
  const text = expression.replaceAll(/\[[^\]]*\]/g, "").replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
  const known = new Map(declared.flatMap(seriesOf).map((series) => [series.name, series.labels]));
  const problems: string[] = [];
  const used = new Set<string>();
  const labels = new Set<string>();
  let grouped: string[] | undefined;
  for (const [whole, group, name, selector] of text.matchAll(
    /\b(?:by|without)\s*\(([^)]*)\)|\b([a-zA-Z_]\w*)\b(?!\s*(?:\(|(?:by|without)\b))(?:\{([^}]*)\})?/g,
  )) {
    if (group !== undefined) {
      grouped = group.split(",").map((label) => label.trim());
      continue;
    }
    if (name === undefined || WORDS.has(name)) continue;
    const own = name === "up" ? [] : known.get(name);
    if (own === undefined) {
      problems.push(`${name} is no series of ours`);
      continue;
    }
    const all = [...own, ...PROMETHEUS_LABELS];
    const matched = [...(selector ?? "").matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = ""]) => label);
    for (const label of [...matched, ...(grouped ?? [])])
      if (!all.includes(label)) problems.push(`${name} has no label ${label}: ${whole}`);
    for (const label of grouped ?? all) labels.add(label);
    grouped = undefined;
    used.add(name);
  }
  const isUsed = (one: Declaration) => seriesOf(one).some(({ name }) => used.has(name));
  return { problems, labels, used: new Set(declared.filter(isUsed).map(({ name }) => name)) };
}

function seriesOf({ name, type, labels }: Declaration): Series[] {
  if (type !== "histogram") return [{ name, labels }];
  return SUFFIXES.map((suffix) => ({ name: name + suffix, labels: suffix === "_bucket" ? [...labels, "le"] : labels }));
}
