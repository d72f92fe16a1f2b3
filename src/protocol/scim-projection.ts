import { isObject } from "./json-object.ts";
import type { ScimResource } from "./scim-patch.ts";
import { findTarget, isExtension } from "./scim-path.ts";
import type { ScimModel } from "./scim-schema.ts";

/** What a request says of the attributes that it wants to see: their names, with commas between them. */
export interface Projection {
  readonly attributes?: string;
  readonly excludedAttributes?: string;
}

/** Names, one in the other. */
type Place = readonly string[];

/** What is returned whatever is asked for (RFC 7643 §3, §7). */
const ALWAYS = ["schemas", "id"];

/**
 * A resource with the attributes that are asked for alone, or without those that are not wanted (RFC 7644 §3.9). Names that are not
 * known here are ignored.
 *
 * @throws ScimError `invalidPath` for what is no attribute's name
 */
export function project(
  resource: ScimResource,
  { attributes, excludedAttributes }: Projection,
  model: ScimModel,
): ScimResource {
  const always = ALWAYS.map((name) => [name]);
  const kept = attributes ? pick(resource, [...always, ...placesOf(attributes, model)]) : resource;
  const left = placesOf(excludedAttributes ?? "", model).filter(([first = ""]) => !ALWAYS.includes(first));
  return omit(kept, left);
}

function placesOf(names: string, model: ScimModel): readonly Place[] {
  return names.split(",").flatMap((written) => {
    const name = written.trim();
    if (name === "") return [];
    if (isExtension(model, name)) return [[model.extension.id]];
    const target = findTarget(model, name);
    if (target === undefined) return [];
    const { extension, attribute, sub } = target;
    return [
      [...(extension === undefined ? [] : [extension]), attribute.name, ...(sub === undefined ? [] : [sub.name])],
    ];
  });
}

function pick(resource: ScimResource, places: readonly Place[]): ScimResource {
  return transform(resource, places, (inner, member) => {
    if (inner.length === 0) return undefined;
    return inner.some(({ length }) => length === 0) ? member : within(member, (part) => pick(part, inner));
  });
}

function omit(resource: ScimResource, places: readonly Place[]): ScimResource {
  return transform(resource, places, (inner, member) => {
    if (inner.length === 0) return member;
    return inner.some(({ length }) => length === 0) ? undefined : within(member, (part) => omit(part, inner));
  });
}

type Change = (inner: readonly Place[], member: unknown) => unknown;

function transform(resource: ScimResource, places: readonly Place[], change: Change): ScimResource {
  const changed = Object.entries(resource).map(([name, member]): [string, unknown] => {
    const inner = places.filter(([first]) => first === name).map(([, ...rest]) => rest);
    return [name, change(inner, member)];
  });
  return Object.fromEntries(changed.filter(([, member]) => member !== undefined));
}

/** Changes each value of an attribute; one of which nothing is left is none. */
function within(member: unknown, change: (part: ScimResource) => ScimResource): unknown {
  const parts = (Array.isArray(member) ? member : [member]).filter(isObject).map(change);
  const left = parts.filter((part) => Object.keys(part).length > 0);
  if (left.length === 0) return undefined;
  return Array.isArray(member) ? left : left[0];
}
