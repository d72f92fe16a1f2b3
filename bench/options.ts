import { parseArgs } from "node:util";
import type { Benchmark } from "./benchmark.ts";
import { BENCHMARKS } from "./benchmarks/index.ts";
import type { RunSettings } from "./run-context.ts";
import type { SideName } from "./side.ts";
import { SIDES } from "./sides.ts";

const ROUNDS = 3;
const ROUNDS_FULL = 7;
const ROUNDS_MAX = 101;
const SECONDS = 3;
const SECONDS_MAX = 600;

/** What the command line asks for. */
export type Options = RunSettings & {
  benchmarks: Benchmark[];
  /** An existing PostgreSQL server to use instead of a throw-away one. */
  databaseUrl: string | undefined;
};

/** The text of `npm run bench -- --help`. */
export const USAGE = `npm run bench [name ...] [-- options]

  name            ${BENCHMARKS.map((benchmark) => benchmark.name).join(", ")}; all but the heavy ones when none is named
  --full          ${ROUNDS_FULL} rounds instead of ${ROUNDS}, and the heavy ones${listHeavy()}
  --rounds N      that many rounds
  --seconds N     seconds measured a round (${SECONDS})
  --sides A,B     only these sides: ${SIDES.map((side) => side.name).join(", ")}
  --database-url  use this PostgreSQL server (a superuser's URL) instead of starting a throw-away one
`;

/** Reads the command line; undefined when help was asked for; throws, naming the value, when it makes no sense. */
export function parseOptions(args: string[]): Options | undefined {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      full: { type: "boolean", default: false },
      rounds: { type: "string" },
      seconds: { type: "string", default: String(SECONDS) },
      sides: { type: "string" },
      "database-url": { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  return {
    benchmarks: positionals.length === 0 ? everyDay(values.full) : positionals.map(getBenchmark),
    isFull: values.full,
    sides: values.sides === undefined ? SIDES.map((side) => side.name) : values.sides.split(",").map(getSideName),
    rounds: within("--rounds", values.rounds ?? String(values.full ? ROUNDS_FULL : ROUNDS), ROUNDS_MAX),
    seconds: within("--seconds", values.seconds, SECONDS_MAX),
    databaseUrl: values["database-url"],
  };
}

function everyDay(isFull: boolean): Benchmark[] {
  return BENCHMARKS.filter((benchmark) => isFull || !isHeavy(benchmark));
}

function isHeavy(benchmark: Benchmark): boolean {
  return "isHeavy" in benchmark && benchmark.isHeavy;
}

function listHeavy(): string {
  const names = BENCHMARKS.filter(isHeavy).map((benchmark) => benchmark.name);
  return names.length === 0 ? "" : `: ${names.join(", ")}`;
}

function getBenchmark(name: string): Benchmark {
  const benchmark = BENCHMARKS.find((candidate) => candidate.name === name);
  if (benchmark === undefined) throw new Error(`there is no benchmark ${JSON.stringify(name)}\n\n${USAGE}`);
  return benchmark;
}

function getSideName(name: string): SideName {
  const side = SIDES.find((candidate) => candidate.name === name);
  if (side === undefined) throw new Error(`there is no side ${JSON.stringify(name)}\n\n${USAGE}`);
  return side.name;
}

function within(option: string, text: string, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > max) throw new Error(`${option} is a whole number up to ${max}`);
  return value;
}
