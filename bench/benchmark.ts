import type { RunningSide, SideName, TokenFormat } from "./side.ts";

/** One line of a case: a side and the format of the tokens it is measured with. */
export type Contender = { side: SideName; format: TokenFormat };

/** What the load generator sends to a contender, and what each good answer contains. */
export type LoadTarget = { requests: string[]; expectedText: string };

/** Contenders that are measured in turn and compared with each other. */
export type BenchmarkCase = {
  title: string;
  contenders: Contender[];
  /** The contender that the others are divided by. */
  baseline: Contender;
  /** Makes the requests, and throws when the server does not do what is to be measured. */
  prepare(side: RunningSide, format: TokenFormat): Promise<LoadTarget>;
};

/** What `npm run bench <name>` runs. */
export type Benchmark = { name: string; cases: BenchmarkCase[] };
