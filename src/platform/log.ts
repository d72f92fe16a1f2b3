import { type DestinationStream, pino } from "pino";
import { describeError } from "./describe-error.ts";

/** One JSON line an event on standard error; never a secret, a token or a query string. */
export type Log = Pick<ReturnType<typeof pino>, "fatal" | "error" | "warn" | "info" | "debug" | "isLevelEnabled">;

export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogOptions {
  /** which process of a node of several writes; on every line */
  readonly worker?: number | undefined;
  /** instead of standard error */
  readonly write?: ((line: string) => void) | undefined;
}

/** Standard output belongs to what a person asked for, so the log goes to standard error. */
export function createLog(level: LogLevel, { worker, write }: LogOptions = {}): Log {
  const destination: DestinationStream = write === undefined ? pino.destination({ fd: 2, sync: false }) : { write };
  const base = worker === undefined ? null : { worker };
  return pino({ level, base, timestamp: createTimestamp(), serializers: { err: describeError } }, destination);
}

// Many lines fall into one millisecond, and printing it costs as much as everything else in a line.
function createTimestamp(): () => string {
  let printedMs = Number.NaN;
  let printed = "";
  return () => {
    const nowMs = Date.now();
    if (nowMs !== printedMs) printed = `,"time":"${new Date(nowMs).toISOString()}"`;
    printedMs = nowMs;
    return printed;
  };
}
