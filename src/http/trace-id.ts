import type { Clock } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";

const TIME_BYTES = 6;
const RANDOM_BYTES = 10;

/**
 * A new trace id: 16 bytes, six of real time in milliseconds and ten random, so that ids sort by time (settled 1). It is always
 * ours; what a client sends is kept as its correlation id only (rule 24).
 */
export function newTraceId(clock: Clock, random: Random): Buffer {
  const id = Buffer.allocUnsafe(TIME_BYTES + RANDOM_BYTES);
  id.writeUIntBE(clock.nowMs(), 0, TIME_BYTES);
  id.set(random.bytes(RANDOM_BYTES), TIME_BYTES);
  return id;
}

/** When the request of a trace id of ours was received, in milliseconds of real time. */
export function receivedAtMs(traceId: Uint8Array): number {
  return traceId.subarray(0, TIME_BYTES).reduce((ms, byte) => ms * 256 + byte, 0);
}

/** Reads a trace id as responses show it: 32 lowercase hexadecimal digits. */
export function parseTraceId(text: string): Buffer | undefined {
  return /^[0-9a-f]{32}$/.test(text) ? Buffer.from(text, "hex") : undefined;
}
