/** Starts the benchmarks, whatever Node runs this file. */
import { runScript } from "./runtime.mjs";

runScript("bench/run.ts", process.argv.slice(2));
