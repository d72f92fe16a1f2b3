const BAR_WIDTH = 24;

/** A progress bar on standard error; standard output is for the table. */
export type Progress = { step(label: string): void; end(): void };

/** Starts a bar of `total` steps; where standard error is no terminal, each step is a line. */
export function startProgress(total: number): Progress {
  const terminal = process.stderr.isTTY;
  let done = 0;
  return {
    step(label) {
      const filled = Math.round((done / total) * BAR_WIDTH);
      const bar = `[${"#".repeat(filled)}${".".repeat(BAR_WIDTH - filled)}] ${done}/${total} ${label}`;
      process.stderr.write(terminal ? `\r\u001b[2K${bar.slice(0, process.stderr.columns - 1)}` : `${bar}\n`);
      done += 1;
    },
    end() {
      if (terminal) process.stderr.write("\r\u001b[2K");
    },
  };
}
