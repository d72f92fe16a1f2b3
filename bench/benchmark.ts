import type { Load, RunContext, RunSettings } from "./run-context.ts";
import type { RunningSide, SideName, TokenFormat } from "./side.ts";
import type { Target } from "./verdict.ts";

/** What `npm run bench <name>` runs: a file in benchmarks/ and a line in its index.ts, in one of two shapes. */
export type Benchmark = SideBySideBenchmark | CustomBenchmark;

/** Requests that each side answers in turn under the same load; the runner starts, measures and compares. */
export type SideBySideBenchmark = { name: string; cases: BenchmarkCase[] };

/** Anything else that yields figures: it starts and stops what it needs (run-context.ts). */
export type CustomBenchmark = {
  name: string;
  /** Too long for every day: runs with `--full` or by name. */
  isHeavy: boolean;
  /** How often `run` will call `context.progress.step`. */
  steps(settings: RunSettings): number;
  run(context: RunContext): Promise<Row[]>;
};

/** One figure. */
export type Row = {
  label: string;
  /** undefined: it could not be measured here, and the note says why */
  value: number | undefined;
  unit: string;
  target?: Target;
  note?: string;
};

/** Contenders that are measured in turn and compared with each other. */
export type BenchmarkCase = {
  title: string;
  contenders: Contender[];
  /** The contender that the others are divided by. */
  baseline: Contender;
  /** Requests a second that Mayfly is to answer for each one of the baseline. */
  targetRatio: number;
  /**
   * Called once a contender. Throws when the server does not do what is to be measured; else returns what gives each round
   * its requests.
   */
  prepare(side: RunningSide, format: TokenFormat, context: RunContext): Promise<() => Load | Promise<Load>>;
};

/** One line of a case: a side and the format of the tokens it is measured with. */
export type Contender = { side: SideName; format: TokenFormat };
