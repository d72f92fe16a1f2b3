import type { Benchmark } from "../benchmark.ts";
import { budget } from "./budget.ts";
import { crowd } from "./crowd.ts";
import { directory } from "./directory.ts";
import { exchange } from "./exchange.ts";
import { feed } from "./feed.ts";
import { introspection } from "./introspection.ts";
import { issue } from "./issue.ts";
import { kills } from "./kills.ts";
import { laws } from "./laws.ts";
import { lineage } from "./lineage.ts";
import { logins } from "./logins.ts";
import { many } from "./many.ts";
import { metadata } from "./metadata.ts";
import { overload } from "./overload.ts";
import { pairs } from "./pairs.ts";
import { probe } from "./probe.ts";
import { purge } from "./purge.ts";
import { refresh } from "./refresh.ts";
import { revocation } from "./revocation.ts";
import { rsa } from "./rsa.ts";
import { start } from "./start.ts";
import { tenancies } from "./tenancies.ts";
import { workers } from "./workers.ts";

/** All benchmarks, in the order they run. */
export const BENCHMARKS: Benchmark[] = [
  issue,
  introspection,
  refresh,
  exchange,
  revocation,
  metadata,
  probe,
  rsa,
  workers,
  start,
  budget,
  directory,
  feed,
  logins,
  crowd,
  purge,
  laws,
  kills,
  pairs,
  overload,
  lineage,
  many,
  tenancies,
];
