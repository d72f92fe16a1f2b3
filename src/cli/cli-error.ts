/** Something that the command line cannot do, and what to do about it. */
export class CliError extends Error {
  /** a sentence that begins with what to do */
  readonly advice: string | undefined;

  constructor(message: string, options: { readonly advice?: string | undefined; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = "CliError";
    this.advice = options.advice;
  }
}
