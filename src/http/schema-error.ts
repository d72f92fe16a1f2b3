import type { FieldViolation } from "./management-error.ts";

/** What TypeBox says of a value, as far as it is read. */
export interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

/** What is wrong with one member of a value. */
export interface MemberProblem {
  readonly path: readonly string[];
  readonly description: string;
}

/** A schema's error in the API's words. One error may be about several members. */
export function readSchemaError(error: SchemaError): MemberProblem[] {
  const path = error.instancePath.split("/").slice(1);
  const each = (names: unknown, description: string) =>
    listOf(names).map((name) => ({ path: [...path, name], description }));
  if (error.keyword === "required" && "requiredProperties" in error.params) {
    return each(error.params.requiredProperties, "missing");
  }
  if (error.keyword === "additionalProperties" && "additionalProperties" in error.params) {
    return each(error.params.additionalProperties, "is not a known member");
  }
  if (error.keyword === "boolean") return []; // said by additionalProperties
  return [{ path, description: rephrase(error) }];
}

/** The violation of a member; the path ends at an array, and which element is meant is said in words (reference 2.3 names the array). */
export function toViolation({ path, description }: MemberProblem): FieldViolation {
  const index = path.findIndex((part) => /^\d+$/.test(part));
  if (index === -1) return { field: path.join("."), description };
  const element = [`element ${path[index]}`, ...path.slice(index + 1)].join(", ");
  return { field: path.slice(0, index).join("."), description: `${element}: ${description}` };
}

function rephrase({ keyword, params, message }: SchemaError): string {
  if (keyword === "minLength" && "limit" in params && params.limit === 1) return "empty string";
  if (keyword === "maxItems" && "limit" in params) return `array exceeds ${params.limit} elements`;
  if (keyword === "enum" && "allowedValues" in params) {
    const words = listOf(params.allowedValues).filter((word) => word !== "null");
    return `must be ${words.length > 1 ? "one of " : ""}${words.join(", ")}`;
  }
  return message;
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
