// Which stored object a declared one is: by id, then by natural key (settled 14); and what a reference means.

import type { Path } from "./file.ts";
import { type Planning, refuse } from "./planning.ts";

/** A declared object, the stored one that it is, and the id that it has or will have. */
export interface Matched<Declared, Stored> {
  readonly path: Path;
  readonly declared: Declared;
  readonly stored: Stored | undefined;
  readonly id: string;
}

/** How objects of one kind are told apart. */
export interface Kind<Declared extends { readonly id?: string }, Stored> {
  readonly idOf: (stored: Stored) => string;
  /** the natural key of a stored object, in the form that is compared */
  readonly keyOf: (stored: Stored) => string | undefined;
  readonly declaredKeyOf: (declared: Declared) => string | undefined;
  readonly newId: () => string;
}

/** Finds the stored object of each declared one. An object that is declared twice is refused. */
export function matchObjects<Declared extends { readonly id?: string }, Stored>(
  planning: Planning,
  list: { readonly path: Path; readonly declared: readonly Declared[]; readonly stored: readonly Stored[] },
  kind: Kind<Declared, Stored>,
): Matched<Declared, Stored>[] {
  const byId = new Map(list.stored.map((stored) => [kind.idOf(stored), stored]));
  const byKey = new Map(list.stored.map((stored) => [kind.keyOf(stored), stored]));
  const seen = new Map<string, number>();
  return list.declared.map((declared, position) => {
    const path = [...list.path, position];
    const key = kind.declaredKeyOf(declared);
    const named = declared.id === undefined ? undefined : byId.get(declared.id);
    const stored = named ?? (declared.id === undefined && key !== undefined ? byKey.get(key) : undefined);
    const id = stored === undefined ? (declared.id ?? kind.newId()) : kind.idOf(stored);
    for (const name of [`id ${id}`, ...(key === undefined ? [] : [`key ${key}`])]) {
      const other = seen.get(name);
      if (other !== undefined) refuse(planning, path, `is the same object as element ${other}`);
      seen.set(name, position);
    }
    return { path, declared, stored, id };
  });
}

/** The stored objects that no declared one is. */
export function findUnnamed<Stored>(stored: readonly Stored[], matched: readonly Matched<unknown, Stored>[]): Stored[] {
  const named = new Set(matched.map((match) => match.stored));
  return stored.filter((object) => !named.has(object));
}

/** Something that references can mean. */
export interface Entry {
  readonly id: string;
  readonly names: readonly (string | null | undefined)[];
  /** whether the file names it: then its names mean it, whatever else bears them */
  readonly isDeclared?: boolean;
}

/** Finds what references to one kind of object mean. */
export interface Directory {
  readonly entries: readonly Entry[];
  has(id: string): boolean;
  /** The id that a reference means; undefined after a problem was noted at `path`. */
  resolve(path: Path, reference: string): string | undefined;
  /** The ids of a list of references, as far as they mean something. */
  resolveAll(path: Path, references: readonly string[]): string[];
}

/** Makes a directory of objects. `normalise` gives the form in which names of this kind are compared. */
export function createDirectory(
  planning: Planning,
  kind: string,
  entries: readonly Entry[],
  normalise: (name: string) => string = (name) => name,
): Directory {
  const ids = new Set(entries.map((entry) => entry.id));
  const declared = new Set(entries.filter(({ isDeclared }) => isDeclared).map(({ id }) => id));
  const byName = new Map<string, Set<string>>();
  for (const { id, names } of entries) {
    for (const name of names) {
      if (typeof name !== "string") continue;
      byName.set(normalise(name), (byName.get(normalise(name)) ?? new Set()).add(id));
    }
  }
  function resolve(path: Path, reference: string): string | undefined {
    if (ids.has(reference)) return reference;
    const bearers = byName.get(normalise(reference)) ?? new Set();
    const preferred = bearers.intersection(declared);
    const [id, ...others] = preferred.size > 0 ? preferred : bearers;
    if (id === undefined) refuse(planning, path, `${JSON.stringify(reference)} is no ${kind}`);
    else if (others.length > 0)
      refuse(planning, path, `${JSON.stringify(reference)} is the name of several: use an id`);
    else return id;
    return undefined;
  }
  return {
    entries,
    has: (id) => ids.has(id),
    resolve,
    resolveAll: (path, references) =>
      references.flatMap((reference, position) => resolve([...path, position], reference) ?? []),
  };
}
