import type { CacheMeter } from "./cache-meter.ts";

/** A bounded map whose entries are good for a time, for what is read often and may be a little old. */
export interface ExpiringCache<Value> {
  /** The kept value if it is young enough, otherwise what `read` brings; an undefined result is not kept. */
  get(name: string, read: () => Promise<Value | undefined>): Promise<Value | undefined>;
  /** Forgets every name that begins so, and does not keep what is being read now. */
  forget(beginning: string): void;
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
  let forgotten = 0;
  return {
    get: async (name, read) => {
      const entry = kept.get(name);
      const isKept = entry !== undefined && monotonicMs() - entry.readAtMs <= limits.goodForMs;
      (isKept ? limits.meter?.hit : limits.meter?.miss)?.add();
      if (isKept) return entry.value;
      const readAtMs = monotonicMs();
      const before = forgotten;
      const value = await read();
      kept.delete(name);
      if (value === undefined || before !== forgotten) return value;
      const oldest = kept.keys().next();
      if (kept.size >= limits.entriesMax && !oldest.done) kept.delete(oldest.value);
      kept.set(name, { value, readAtMs });
      return value;
    },
    forget: (beginning) => {
      forgotten += 1;
      for (const name of kept.keys()) if (name.startsWith(beginning)) kept.delete(name);
    },
  };
}
