/** A SQL text under a name, listed for the tests. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /** whether its commit has something to confirm */
  readonly isWrite: boolean;
  /** Whether the text is fixed: prepared under its name once per connection, and planned once. Others are planned each time. */
  readonly isPrepared: boolean;
}

const registry = new Map<string, Statement>();
const composedNames = new Set<string>();

/**
 * Declares a statement. Every statement of the server is declared once, at module level, so that tests can prepare them all
 * on both databases and replay each as another tenant.
 *
 * @param name unique, `<noun>.<verb>`; PostgreSQL keeps at most 63 bytes of it
 * @param text SQL with `$1` parameters; it never asks for the time
 */
export function statement(name: string, text: string): Statement {
  refuseKnown(name);
  const declared: Statement = { name, text, isWrite: /\b(INSERT|UPDATE|DELETE)\b/.test(text), isPrepared: true };
  registry.set(name, declared);
  return declared;
}

/**
 * Declares a query whose text is composed at each use, of fixed parts: what a filter asks for decides which (decision 0016). Declared
 * once, at module level, so that tests know its name.
 *
 * @param name as of a statement; what is measured of all its texts is summed up under it
 * @returns gives a text the name
 */
export function composedStatement(name: string): (text: string) => Statement {
  refuseKnown(name);
  composedNames.add(name);
  return (text) => ({ name, text, isWrite: false, isPrepared: false });
}

function refuseKnown(name: string): void {
  if (registry.has(name) || composedNames.has(name)) throw new Error(`two statements are called ${name}`);
}

/** Every statement declared by the modules loaded so far. */
export function listStatements(): readonly Statement[] {
  return [...registry.values()];
}

/** The name of every query that the modules loaded so far compose. */
export function listComposedNames(): readonly string[] {
  return [...composedNames];
}
