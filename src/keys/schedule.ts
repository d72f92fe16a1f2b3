// Which key of a realm signs, which are published, and which may go (rule 39, settled 17). Pure: rows and the tenant's time in.

import type { SigningAlgorithm } from "../protocol/client-metadata.ts";
import type { SigningKeyRow } from "../resources/signing-key/queries.ts";
import { SIGNING_ALGORITHMS } from "./algorithms.ts";

/** How long a client may keep a JWKS. */
export const JWKS_MAX_AGE_SECONDS = 300;
/** A key that is not a realm's first is published so long before it signs: every JWKS kept without it is stale by then. */
export const PUBLISHED_BEFORE_SECONDS = JWKS_MAX_AGE_SECONDS + 60;
/** A key signs so long before the next one is made. */
export const KEY_LIFETIME_SECONDS = 90 * 86_400;
/** A key is kept so long after all that it signed has expired. */
export const RETIRED_AFTER_SECONDS = 3_600;

/** Whether there is a usable key of the algorithm, be it that it only signs later. */
export function hasKey(rows: readonly SigningKeyRow[], algorithm: SigningAlgorithm): boolean {
  return rows.some((row) => row.algorithm === algorithm && row.compromisedAt === undefined);
}

/** Whether any key of the realm signs at `now` (seconds of tenant time): if none does, the next one must sign at once. */
export function hasSigner(rows: readonly SigningKeyRow[], now: number): boolean {
  return rows.some((row) => signs(row, now));
}

/**
 * The key that signs: the newest of the algorithm; while that is only published, the newest of another algorithm, RS256 first;
 * if no key may sign yet, the one that is published longest.
 *
 * @param now seconds of tenant time
 */
export function chooseSigner(
  rows: readonly SigningKeyRow[],
  algorithm: SigningAlgorithm,
  now: number,
): SigningKeyRow | undefined {
  for (const candidate of [algorithm, ...SIGNING_ALGORITHMS]) {
    const newest = rows.findLast((row) => row.algorithm === candidate && signs(row, now));
    if (newest !== undefined) return newest;
  }
  return rows.filter((row) => row.compromisedAt === undefined).toSorted((a, b) => a.signsFromAt - b.signsFromAt)[0];
}

/** The keys of the JWKS: those that sign, those that will, and those that signed what has not expired; none that is compromised. */
export function listPublished(rows: readonly SigningKeyRow[], now: number): SigningKeyRow[] {
  return rows.filter((row) => {
    if (row.compromisedAt !== undefined) return false;
    const successor = findSuccessor(rows, row, now);
    if (successor === undefined) return true;
    return now < Math.max(row.latestExpiryAt, successor.signsFromAt + PUBLISHED_BEFORE_SECONDS);
  });
}

/**
 * What a key is for at a moment: `next` is published and signs later, `signing` signs, `published` verifies what it signed,
 * `expired` waits to be deleted, `compromised` is known to others.
 */
export const KEY_STATES = ["next", "signing", "published", "expired", "compromised"] as const;
type KeyState = (typeof KEY_STATES)[number];

/** Which of these a key is. `rows` are the realm's keys, `now` is seconds of tenant time. */
export function describeState(rows: readonly SigningKeyRow[], key: SigningKeyRow, now: number): KeyState {
  if (key.compromisedAt !== undefined) return "compromised";
  if (key.signsFromAt > now) return "next";
  if (findSuccessor(rows, key, now) === undefined) return "signing";
  return listPublished(rows, now).includes(key) ? "published" : "expired";
}

/** The keys that may be deleted: another one signs, for an hour at least, and an hour ago all that they signed had expired. */
export function listRetired(rows: readonly SigningKeyRow[], now: number): SigningKeyRow[] {
  return rows.filter((row) => {
    const successor = findSuccessor(rows, row, now);
    if (successor === undefined) return false;
    return Math.max(row.latestExpiryAt, successor.signsFromAt) + RETIRED_AFTER_SECONDS <= now;
  });
}

/** The algorithms whose newest key has signed for so long that the next one is due. */
export function listDue(rows: readonly SigningKeyRow[], now: number): SigningAlgorithm[] {
  return SIGNING_ALGORITHMS.filter((algorithm) => {
    const newest = rows.findLast((row) => row.algorithm === algorithm && row.compromisedAt === undefined);
    return newest !== undefined && newest.signsFromAt + KEY_LIFETIME_SECONDS <= now;
  });
}

/** The key of the algorithm that is published and does not sign yet, if there is one. */
export function findNext(
  rows: readonly SigningKeyRow[],
  algorithm: SigningAlgorithm,
  now: number,
): SigningKeyRow | undefined {
  return rows.findLast(
    (row) => row.algorithm === algorithm && row.compromisedAt === undefined && row.signsFromAt > now,
  );
}

/** The number of the next key of the algorithm; compromised ones count. */
export function nextGeneration(rows: readonly SigningKeyRow[], algorithm: SigningAlgorithm): number {
  return (rows.findLast((row) => row.algorithm === algorithm)?.generation ?? 0) + 1;
}

function signs(row: SigningKeyRow, now: number): boolean {
  return row.compromisedAt === undefined && row.signsFromAt <= now;
}

// The first later key of the algorithm that signs: from then on this one did not.
function findSuccessor(rows: readonly SigningKeyRow[], key: SigningKeyRow, now: number): SigningKeyRow | undefined {
  return rows.find((row) => row.algorithm === key.algorithm && row.generation > key.generation && signs(row, now));
}
