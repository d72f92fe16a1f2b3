import assert from "node:assert/strict";
import { test } from "node:test";
import type { Benchmark } from "./benchmark.ts";
import { BENCHMARKS } from "./benchmarks/index.ts";
import { parseOptions } from "./options.ts";

const isHeavy = (benchmark: Benchmark) => "isHeavy" in benchmark && benchmark.isHeavy;

test("a heavy benchmark runs with --full or by name only", () => {
  assert.deepEqual(
    parseOptions([])?.benchmarks,
    BENCHMARKS.filter((benchmark) => !isHeavy(benchmark)),
  );
  assert.deepEqual(parseOptions(["--full"])?.benchmarks, BENCHMARKS);
  for (const benchmark of BENCHMARKS) assert.deepEqual(parseOptions([benchmark.name])?.benchmarks, [benchmark]);
});

test("what makes no sense is refused by its name", () => {
  assert.throws(() => parseOptions(["nothing"]), /there is no benchmark "nothing"/);
  assert.throws(() => parseOptions(["--sides", "nobody"]), /there is no side "nobody"/);
  for (const rounds of ["0", "1.5", "x", "102"]) assert.throws(() => parseOptions(["--rounds", rounds]), /--rounds/);
});

test("--full measures more rounds, unless their number is named", () => {
  assert.ok((parseOptions(["--full"])?.rounds ?? 0) > (parseOptions([])?.rounds ?? 0));
  assert.equal(parseOptions(["--full", "--rounds", "2"])?.rounds, 2);
});
