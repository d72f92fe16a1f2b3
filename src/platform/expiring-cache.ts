import type { CacheMeter } from "./cache-meter.ts";

/** A bounded map whose entries are good for a time, for what is read often and may be a little old. */
export interface ExpiringCache<Value> {
  /** The kept value if it is young enough, otherwise what `read` brings; an undefined result is not kept. */
  get(name: string, read: () => Promise<Value | undefined>): Promise<Value | undefined>;
  forget(name: string): void;
}

/**
 * @param limits how many entries at most (the oldest go first), for how many milliseconds each is good, and who counts
 * @param monotonicMs the clock to judge by
 */
export function createExpiringCache<Value>(
  limits: { readonly entriesMax: number; readonly goodForMs: number; readonly meter?: CacheMeter },
  monotonicMs: () => number,
): ExpiringCache<Value> {
  const kept = new Map<string, { readonly value: Value; readonly readAtMs: number }>();
  return {
    get: async (name, read) => {
      const entry = kept.get(name);
      const isKept = entry !== undefined && monotonicMs() - entry.readAtMs <= limits.goodForMs;
      (isKept ? limits.meter?.hit : limits.meter?.miss)?.add();
      if (isKept) return entry.value;
      const readAtMs = monotonicMs();
      const value = await read();
      kept.delete(name);
      if (value === undefined) return undefined;
      const oldest = kept.keys().next();
      if (kept.size >= limits.entriesMax && !oldest.done) kept.delete(oldest.value);
      kept.set(name, { value, readAtMs });
      return value;
    },
    forget: (name) => {
      kept.delete(name);
    },
  };
}
