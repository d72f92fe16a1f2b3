/** A fixed SQL text under a name: prepared once per connection, planned once, listed for the tests. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /** whether its commit has something to confirm */
  readonly isWrite: boolean;
}

const registry = new Map<string, Statement>();

/**
 * Declares a statement. Every statement of the server is declared once, at module level, so that tests can prepare them all
 * on both databases and replay each as another tenant.
 *
 * @param name unique, `<noun>.<verb>`; PostgreSQL keeps at most 63 bytes of it
 * @param text SQL with `$1` parameters; it never asks for the time
 */
export function statement(name: string, text: string): Statement {
  if (registry.has(name)) throw new Error(`two statements are called ${name}`);
  const declared: Statement = { name, text, isWrite: /\b(INSERT|UPDATE|DELETE)\b/.test(text) };
  registry.set(name, declared);
  return declared;
}

/** Every statement declared by the modules loaded so far. */
export function listStatements(): readonly Statement[] {
  return [...registry.values()];
}
