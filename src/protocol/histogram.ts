// How often whole numbers of seconds were seen, in buckets whose width is at most a 32nd of what they hold. Two histograms of one thing
// are added up bucket by bucket, in any order: so nodes and days count apart, and what is read of their sum is read as if one had counted.

/** Bits of a number that a bucket tells apart: below 2^6 each number has a bucket of its own. */
const BITS = 6;
const BUCKETS_A_DOUBLING = 2 ** (BITS - 1);

/** What fell into one bucket: how many, and their sum, so that its mean is exact. */
export interface BucketCount {
  count: number;
  sum: number;
}

/** Counts by bucket; a bucket that nothing fell into is absent. */
export type Histogram = Map<number, BucketCount>;
export type ReadonlyHistogram = ReadonlyMap<number, Readonly<BucketCount>>;

/** The bucket of a whole number from 0 to 2^31 - 1. */
export function bucketOf(value: number): number {
  const shift = Math.max(0, 32 - Math.clz32(value) - BITS);
  return shift * BUCKETS_A_DOUBLING + (value >>> shift);
}

/** The largest number of a bucket. */
export function largestOf(bucket: number): number {
  if (bucket < 2 ** BITS) return bucket;
  const shift = Math.floor(bucket / BUCKETS_A_DOUBLING) - 1;
  return (bucket - shift * BUCKETS_A_DOUBLING + 1) * 2 ** shift - 1;
}

/** Counts a number. */
export function addValue(histogram: Histogram, value: number): void {
  const bucket = bucketOf(value);
  const counted = histogram.get(bucket);
  if (counted === undefined) {
    histogram.set(bucket, { count: 1, sum: value });
    return;
  }
  counted.count += 1;
  counted.sum += value;
}

/** Adds what another histogram has counted. */
export function addHistogram(histogram: Histogram, added: ReadonlyHistogram): void {
  for (const [bucket, { count, sum }] of added) {
    const counted = histogram.get(bucket) ?? { count: 0, sum: 0 };
    histogram.set(bucket, { count: counted.count + count, sum: counted.sum + sum });
  }
}

/** How many were counted, and their sum. */
export function totalOf(histogram: ReadonlyHistogram): Readonly<BucketCount> {
  let [count, sum] = [0, 0];
  for (const counted of histogram.values()) {
    count += counted.count;
    sum += counted.sum;
  }
  return { count, sum };
}

/**
 * The bucket that a quantile lies in, by the nearest rank: the smallest number that at least this part of all is not above.
 *
 * @param part above 0 and at most 1, which asks for the largest
 * @returns undefined where nothing was counted
 */
export function quantileBucket(histogram: ReadonlyHistogram, part: number): number | undefined {
  const rank = Math.ceil(part * totalOf(histogram).count);
  let seen = 0;
  for (const bucket of [...histogram.keys()].sort((one, other) => one - other)) {
    seen += histogram.get(bucket)?.count ?? 0;
    if (seen >= rank) return bucket;
  }
  return undefined;
}

/**
 * A quantile, right to a 32nd: the mean of what fell into its bucket, so exact where that was one number.
 *
 * @returns undefined where nothing was counted
 */
export function quantileOf(histogram: ReadonlyHistogram, part: number): number | undefined {
  const bucket = quantileBucket(histogram, part);
  const counted = bucket === undefined ? undefined : histogram.get(bucket);
  return counted && Math.round(counted.sum / counted.count);
}
