import type { MetricSnapshot } from "../platform/metrics.ts";

/** What the primary tells a worker. */
export type ToWorker =
  | { readonly kind: "stop" }
  | { readonly kind: "retire" }
  | { readonly kind: "count"; readonly question: number };

/** What a worker tells the primary. */
export type FromWorker =
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "counted"; readonly question: number; readonly snapshot: readonly MetricSnapshot[] }
  /** the last words of a worker that ends as it was told to */
  | { readonly kind: "left"; readonly snapshot: readonly MetricSnapshot[] };
