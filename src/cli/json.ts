// What a server or a file says is unknown until it was looked at.

/** A JSON object, or an empty one for everything else. */
export function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

/** A member that is a list, or an empty one. */
export function listOf(value: unknown, name: string): readonly unknown[] {
  const member = objectOf(value)[name];
  return Array.isArray(member) ? member : [];
}

/** A member that is a text, or undefined. */
export function textOf(value: unknown, name: string): string | undefined {
  const member = objectOf(value)[name];
  return typeof member === "string" ? member : undefined;
}

/** A member that is a number, or undefined. */
export function numberOf(value: unknown, name: string): number | undefined {
  const member = objectOf(value)[name];
  return typeof member === "number" ? member : undefined;
}

/** The value of a JSON text; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}
