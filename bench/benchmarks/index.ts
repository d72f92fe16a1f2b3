import type { Benchmark } from "../benchmark.ts";
import { introspection } from "./introspection.ts";
import { issue } from "./issue.ts";
import { metadata } from "./metadata.ts";

/** All benchmarks, in the order they run. */
export const BENCHMARKS: Benchmark[] = [issue, introspection, metadata];
