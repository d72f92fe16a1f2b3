import { METRICS } from "../platform/metric-table.ts";
import type { RealmKey, SigningAlgorithm } from "../protocol/client-metadata.ts";
import {
  deleteRetiredSigningKey,
  listSigningKeys,
  markSigningKeyCompromised,
  type SigningKeyRow,
} from "../resources/signing-key/queries.ts";
import { type KeyDeps, makeNextKey } from "./make-key.ts";
import { findNext, hasKey, listDue, listRetired, RETIRED_AFTER_SECONDS } from "./schedule.ts";

/** What a rotation did. */
export interface Rotation {
  /** the algorithms for which a next key was made */
  readonly made: readonly SigningAlgorithm[];
  /** the ids of the keys that are gone */
  readonly retired: readonly string[];
}

/**
 * Brings a realm's keys up to schedule: makes the next key of each algorithm whose newest has signed for 90 days, and deletes
 * those whose successor signs and whose last token has expired. Repeating it, on any node, does no harm.
 *
 * @param now seconds of tenant time
 */
export async function rotateKeys(deps: KeyDeps, realm: RealmKey, now: number): Promise<Rotation> {
  const db = deps.database.tenants([realm.tenantId]);
  const rows = await listSigningKeys(db, realm);
  const made = listDue(rows, now);
  for (const algorithm of made) await makeNextKey(deps, realm, { algorithm, rows, now });
  const retired: string[] = [];
  for (const { keyId } of listRetired(rows, now)) {
    const isGone = await deleteRetiredSigningKey(db, realm, { keyId, expiredBy: now - RETIRED_AFTER_SECONDS });
    if (isGone) retired.push(keyId);
  }
  deps.metrics.counter(METRICS.signingKeysRetired).cell().add(retired.length);
  return { made, retired };
}

/**
 * Makes the next key of an algorithm because an administrator wants it. One that is already published and waiting is returned
 * instead: two requests make one key.
 *
 * @param now seconds of tenant time
 * @returns the key that will sign, from its `signsFromAt` on
 */
export async function rotateNow(
  deps: KeyDeps,
  realm: RealmKey,
  algorithm: SigningAlgorithm,
  now: number,
): Promise<SigningKeyRow> {
  const db = deps.database.tenants([realm.tenantId]);
  const rows = await listSigningKeys(db, realm);
  const waiting = findNext(rows, algorithm, now);
  if (waiting !== undefined) return waiting;
  await makeNextKey(deps, realm, { algorithm, rows, now });
  const after = await listSigningKeys(db, realm);
  const newest = after.findLast((row) => row.algorithm === algorithm);
  if (newest === undefined) throw new Error(`the realm has no ${algorithm} key after one was made`);
  return newest;
}

/**
 * Marks a key as known to others: its tokens are dead, it leaves the JWKS, and another takes its place: at once if no other key
 * of the realm signs, else after it has been published (rules 30 and 39).
 *
 * @param now seconds of tenant time
 * @returns false if the realm has no such key
 */
export async function markCompromised(deps: KeyDeps, realm: RealmKey, keyId: string, now: number): Promise<boolean> {
  const db = deps.database.tenants([realm.tenantId]);
  const marked = await markSigningKeyCompromised(db, realm, { keyId, at: now });
  if (marked === undefined) return false;
  const rows = await listSigningKeys(db, realm);
  const { algorithm } = marked;
  if (!hasKey(rows, algorithm)) await makeNextKey(deps, realm, { algorithm, rows, now });
  return true;
}
