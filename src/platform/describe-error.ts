/** An error as the log shows it. */
export interface DescribedError {
  readonly type: string;
  readonly message: string;
  /** SQLSTATE, or the system's */
  readonly code?: string;
  /** the calls, innermost first */
  readonly at?: readonly string[];
  readonly cause?: DescribedError;
}

const MESSAGE_LENGTH_MAX = 500;
const CALLS_MAX = 12;
const CAUSES_MAX = 3;

/**
 * What an error says of itself, and nothing that hangs on it: PostgreSQL's `detail` repeats rows, a mail server's answer the
 * address of a person.
 */
export function describeError(error: unknown, causesMax = CAUSES_MAX): DescribedError {
  if (!(error instanceof Error)) return { type: typeof error, message: "not an error" };
  const { name, message, stack = "", cause } = error;
  const calls = stack.split("\n").filter((line) => /^\s+at /.test(line));
  return {
    type: name,
    message: message.slice(0, MESSAGE_LENGTH_MAX).replaceAll(/[^\s<>@"'(),:;]+@[^\s<>@"'(),:;]+/g, "(an address)"),
    ...("code" in error && typeof error.code === "string" ? { code: error.code } : {}),
    at: calls.slice(0, CALLS_MAX).map((line) => line.trim().slice("at ".length)),
    ...(cause === undefined || causesMax === 0 ? {} : { cause: describeError(cause, causesMax - 1) }),
  };
}
