// What a decision keeps of what came from outside is bounded (rule 24): a client must not fill the store, or undo the record of
// others by a string that the database cannot take (rule 10).

/** Longest text, in UTF-16 code units. */
export const FACT_LENGTH_MAX = 200;
/** Longest list; what is more is counted. */
export const FACTS_MAX = 50;
const DEPTH_MAX = 8;
const PLAIN = /^[\x20-\x7e]*$/;
/** Any of our opaque tokens, wherever a client put it by mistake: a record never holds one (mayfly.md §5). */
const OPAQUE_TOKEN = /(mayfly_[a-z]{2}_)[A-Za-z0-9_-]{20,}/g;

/**
 * A copy of facts with every text cut, well-formed and without tokens, every list cut and every depth bounded. Numbers and booleans
 * stay.
 */
export function boundFacts(facts: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return boundObject(facts, 0);
}

// Once a token: loops, because copies of copies would cost as much as the rest of its row.
function boundObject(value: object, depth: number): Readonly<Record<string, unknown>> {
  const copy: Record<string, unknown> = {};
  let count = 0;
  for (const [name, member] of Object.entries(value)) {
    if (count === FACTS_MAX) break;
    count += 1;
    copy[boundText(name)] = bound(member, depth + 1);
  }
  return copy;
}

function bound(value: unknown, depth: number): unknown {
  if (typeof value === "string") return boundText(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= DEPTH_MAX) return "…";
  if (!Array.isArray(value)) return boundObject(value, depth);
  const kept: unknown[] = [];
  for (const member of value) {
    if (kept.length === FACTS_MAX) return [...kept, `and ${value.length - FACTS_MAX} more`];
    kept.push(bound(member, depth + 1));
  }
  return kept;
}

// A cut may part a surrogate pair; U+0000 is refused at the edge, but a record must not depend on it.
function boundText(text: string): string {
  if (text.includes("mayfly_")) return cutText(text.replaceAll(OPAQUE_TOKEN, "$1…"));
  return text.length <= FACT_LENGTH_MAX && PLAIN.test(text) ? text : cutText(text);
}

function cutText(text: string): string {
  return text.slice(0, FACT_LENGTH_MAX).toWellFormed().replaceAll("\u0000", "\ufffd");
}
