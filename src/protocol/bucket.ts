// Buckets say when a row may be forgotten, in real time (settled 1 and 8): rows of one bucket share a partition, and purging is
// dropping it. The width is about a tenth of the lifetime, so that storage shrinks as lifetimes do.
//
//   bucket = class * 2^28 + number, and the bucket ends at number * width
//
// The last class is for lifetimes that no partition plan should follow: one overflow partition, purged in bounded batches.

import { LIFETIME_SECONDS_MAX } from "./lifetime.ts";

/** A class of lifetimes: those up to `lifetimeSecondsMax` share buckets of one width. */
interface BucketClass {
  readonly lifetimeSecondsMax: number;
  readonly widthSeconds: number;
  readonly overflow: boolean;
}

const HOUR = 3600;
const DAY = 86_400;

const BUCKET_CLASSES: readonly BucketClass[] = [
  { lifetimeSecondsMax: HOUR, widthSeconds: 300, overflow: false },
  { lifetimeSecondsMax: DAY, widthSeconds: 2 * HOUR, overflow: false },
  { lifetimeSecondsMax: 14 * DAY, widthSeconds: DAY, overflow: false },
  { lifetimeSecondsMax: 140 * DAY, widthSeconds: 10 * DAY, overflow: false },
  { lifetimeSecondsMax: LIFETIME_SECONDS_MAX, widthSeconds: 10 * DAY, overflow: true },
];

const CLASS_SIZE = 2 ** 28;
/** Partitions are made so many widths before they can be needed (settled 8). */
const WIDTHS_AHEAD = 2;

/** What a bucket stands for. */
export interface BucketDescription {
  /** 0 to 4; 4 is the overflow */
  readonly class: number;
  readonly widthSeconds: number;
  /** epoch seconds of real time from which its rows may be forgotten */
  readonly endsAtSeconds: number;
  readonly overflow: boolean;
}

/** A partition of a table partitioned by range of bucket: `from` is in it, `to` is not. */
export interface PartitionRange {
  /** for the partition's name: lower-case letters, digits and underscores */
  readonly suffix: string;
  readonly from: number;
  readonly to: number;
}

/**
 * The bucket of a row that must be kept for a lifetime from now. Computed once, at issue, never updated (settled 1).
 * @param realNowSeconds epoch seconds of real time, never a tenant's
 * @param lifetimeSeconds positive; anything above the longest class falls in the overflow
 * @returns a positive signed 32-bit integer; the bucket ends at or after now + lifetime, by less than one width
 */
export function bucketFor(realNowSeconds: number, lifetimeSeconds: number): number {
  const index = BUCKET_CLASSES.findIndex((entry) => lifetimeSeconds <= entry.lifetimeSecondsMax || entry.overflow);
  return index * CLASS_SIZE + Math.ceil((realNowSeconds + lifetimeSeconds) / widthOf(index));
}

/**
 * Reads a bucket.
 * @returns undefined for a number that is no bucket
 */
export function describeBucket(bucket: number): BucketDescription | undefined {
  if (!Number.isInteger(bucket) || bucket < 0) return undefined;
  const index = Math.floor(bucket / CLASS_SIZE);
  const entry = BUCKET_CLASSES[index];
  if (entry === undefined) return undefined;
  const { widthSeconds, overflow } = entry;
  return { class: index, widthSeconds, endsAtSeconds: (bucket % CLASS_SIZE) * widthSeconds, overflow };
}

/**
 * The partitions that must exist now: those of every bucket that is not over, up to two widths past the longest lifetime of each
 * class, and the overflow. About 70; a `CREATE` for one that exists is the caller's to skip.
 * @param realNowSeconds epoch seconds of real time
 */
export function partitionsAhead(realNowSeconds: number): readonly PartitionRange[] {
  return BUCKET_CLASSES.flatMap((entry, index) => {
    const base = index * CLASS_SIZE;
    if (entry.overflow) return [{ suffix: "overflow", from: base, to: base + CLASS_SIZE }];
    const first = Math.floor(realNowSeconds / entry.widthSeconds) + 1;
    const last = Math.ceil((realNowSeconds + entry.lifetimeSecondsMax) / entry.widthSeconds) + WIDTHS_AHEAD;
    return Array.from({ length: last - first + 1 }, (_, step) => partitionOf(base + first + step));
  });
}

/**
 * The partition that a bucket belongs to, for an insert that found none (settled 8).
 * @throws RangeError for a number that is no bucket: `bucketFor` makes none
 */
export function partitionOf(bucket: number): PartitionRange {
  const description = describeBucket(bucket);
  if (description === undefined) throw new RangeError("not a bucket");
  const base = description.class * CLASS_SIZE;
  if (description.overflow) return { suffix: "overflow", from: base, to: base + CLASS_SIZE };
  return { suffix: `c${description.class}_${bucket - base}`, from: bucket, to: bucket + 1 };
}

/**
 * Whether every row of a bucket may be dropped.
 * @param realNowSeconds epoch seconds of real time
 * @returns false for a number that is no bucket: what we do not understand is not dropped
 */
export function isForgotten(bucket: number, realNowSeconds: number): boolean {
  const description = describeBucket(bucket);
  return description !== undefined && description.endsAtSeconds <= realNowSeconds;
}

/**
 * Whether a live row can be in this bucket, for ids that come from outside: rule 10 lets only those into a batch.
 * @param realNowSeconds epoch seconds of real time
 */
export function isLivePartitionRange(bucket: number, realNowSeconds: number): boolean {
  const description = describeBucket(bucket);
  const entry = description === undefined ? undefined : BUCKET_CLASSES[description.class];
  if (description === undefined || entry === undefined) return false;
  // A node's clock may be a little behind the one that issued: two widths of slack, for which partitions are there.
  const latest = realNowSeconds + entry.lifetimeSecondsMax + WIDTHS_AHEAD * entry.widthSeconds;
  return description.endsAtSeconds > realNowSeconds && description.endsAtSeconds <= latest;
}

function widthOf(index: number): number {
  const entry = BUCKET_CLASSES[index];
  if (entry === undefined) throw new RangeError("not a bucket class");
  return entry.widthSeconds;
}
