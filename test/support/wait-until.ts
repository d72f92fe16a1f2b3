import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

/** How often it is looked, and for how long. */
export interface Patience {
  readonly everyMs: number;
  readonly msMax: number;
}

/** Waits until something is so; fails with what is to be said if it is not in time. */
export async function waitUntil(
  isSo: () => boolean | Promise<boolean>,
  otherwise: string,
  { everyMs, msMax }: Patience,
): Promise<void> {
  for (const startedAt = performance.now(); !(await isSo()); await sleep(everyMs))
    assert.ok(performance.now() - startedAt < msMax, otherwise);
}
