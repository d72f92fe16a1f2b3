const BUCKET_MILLISECONDS = 0.02;
const BUCKETS = 250_000;

/** Counts latencies in buckets of 20 us up to 5 s; longer ones fall into the last bucket. */
export type LatencyHistogram = {
  count(): number;
  record(milliseconds: number): void;
  quantile(share: number): number;
};

/** Makes an empty histogram of constant size, so that measuring allocates nothing. */
export function latencyHistogram(): LatencyHistogram {
  const buckets = new Uint32Array(BUCKETS);
  let total = 0;
  return {
    count: () => total,
    record(milliseconds) {
      const index = Math.min(BUCKETS - 1, Math.floor(milliseconds / BUCKET_MILLISECONDS));
      buckets[index] = (buckets[index] ?? 0) + 1;
      total += 1;
    },
    quantile(share) {
      const wanted = Math.ceil(total * share);
      let seen = 0;
      for (let index = 0; index < BUCKETS; index += 1) {
        seen += buckets[index] ?? 0;
        if (seen >= wanted && seen > 0) return (index + 1) * BUCKET_MILLISECONDS;
      }
      return 0;
    },
  };
}
