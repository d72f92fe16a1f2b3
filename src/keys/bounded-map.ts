/** A map that keeps at most `limit` entries and forgets the one that was not used for longest. */
export interface BoundedMap<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
  /** Deletes every entry whose key begins so. */
  deleteAll(beginning: string): void;
}

/**
 * Makes an empty one.
 *
 * @param limit how many entries it keeps, at least 1
 */
export function createBoundedMap<Value>(limit: number): BoundedMap<Value> {
  const entries = new Map<string, Value>(); // in the order of their last use
  return {
    get: (key) => {
      const value = entries.get(key);
      if (value === undefined) return undefined;
      entries.delete(key);
      entries.set(key, value);
      return value;
    },
    set: (key, value) => {
      entries.delete(key);
      entries.set(key, value);
      const oldest = entries.size > limit ? entries.keys().next().value : undefined;
      if (oldest !== undefined) entries.delete(oldest);
    },
    deleteAll: (beginning) => {
      for (const key of entries.keys()) if (key.startsWith(beginning)) entries.delete(key);
    },
  };
}
