import { ScimError } from "./scim-error.ts";
import { type Filter, FilterError, parseFilter } from "./scim-filter.ts";
import { COMMON_ATTRIBUTES, type ScimAttribute, type ScimModel, type ScimSchema } from "./scim-schema.ts";

/** Longest path of an operation. */
const PATH_LENGTH_MAX = 4_096;

/** What a path leads to. */
export interface ScimTarget {
  /** the URN under which the attribute is found; undefined for the resource itself */
  readonly extension: string | undefined;
  readonly attribute: ScimAttribute;
  /** which of several values */
  readonly filter?: Filter;
  readonly sub?: ScimAttribute;
}

// `attribute`, `attribute.sub`, `attribute[filter]` or `attribute[filter].sub` (RFC 7644 §3.5.2, figure 7); a schema's URN may stand first.
const PATH = /^(?<name>[^[\]\s]+)(?:\[(?<filter>.*)\](?:\.(?<sub>[A-Za-z$][\w$-]*))?)?$/s;

/**
 * Reads a path of a PATCH, or the name of a member of a body, without regard to case (RFC 7643 §2.1).
 *
 * @returns undefined for an attribute that is not known here
 * @throws ScimError `invalidPath` for what is no path, `invalidFilter` for a filter in it that cannot be read
 */
export function findTarget(model: ScimModel, path: string): ScimTarget | undefined {
  const parts = path.length > PATH_LENGTH_MAX ? undefined : PATH.exec(path)?.groups;
  const { name, filter, sub } = parts ?? {};
  if (name === undefined) throw new ScimError("invalidPath", "path: not an attribute's path");
  const { schema, rest } = splitUrn(model, name);
  const [attributeName = "", ...subNames] = rest.split(".");
  const attribute = findAttribute(attributesOf(model, schema), attributeName);
  if (attribute === undefined) return undefined;
  const subName = sub ?? subNames[0];
  if (subNames.length > 1 || (sub !== undefined && subNames.length > 0)) return undefined;
  const found = subName === undefined ? undefined : findAttribute(attribute.subAttributes ?? [], subName);
  // Whatever is asked of what is for reading only, it is refused for that.
  if (subName !== undefined && found === undefined && attribute.mutability !== "readOnly") return undefined;
  if (filter !== undefined && !(attribute.multiValued && attribute.type === "complex")) {
    throw new ScimError("invalidPath", `path: ${attribute.name} has no values to choose from`);
  }
  return {
    extension: schema === model.extension ? schema.id : undefined,
    attribute,
    ...(filter === undefined ? {} : { filter: readFilter(filter) }),
    ...(found === undefined ? {} : { sub: found }),
  };
}

/** Whether a name is that of the model's extension as a whole. */
export function isExtension(model: ScimModel, name: string): boolean {
  return name.toLowerCase() === model.extension.id.toLowerCase();
}

/** The attribute of this name, whatever its case. */
export function findAttribute(attributes: readonly ScimAttribute[], name: string): ScimAttribute | undefined {
  const folded = name.toLowerCase();
  return attributes.find((attribute) => attribute.name.toLowerCase() === folded);
}

function splitUrn(model: ScimModel, name: string): { readonly schema: ScimSchema; readonly rest: string } {
  const folded = name.toLowerCase();
  for (const schema of [model.core, model.extension]) {
    const prefix = `${schema.id.toLowerCase()}:`;
    if (folded.startsWith(prefix)) return { schema, rest: name.slice(prefix.length) };
  }
  return { schema: model.core, rest: name };
}

function attributesOf(model: ScimModel, schema: ScimSchema): readonly ScimAttribute[] {
  return schema === model.core ? [...schema.attributes, ...COMMON_ATTRIBUTES] : schema.attributes;
}

function readFilter(text: string): Filter {
  try {
    return parseFilter(text);
  } catch (error) {
    throw error instanceof FilterError ? new ScimError("invalidFilter", `path: ${error.message}`) : error;
  }
}
