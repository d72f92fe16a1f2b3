import type { Deps } from "../deps.ts";
import { METRICS } from "../platform/metric-table.ts";
import type { RealmKey, SigningAlgorithm } from "../protocol/client-metadata.ts";
import {
  insertFirstSigningKeys,
  insertSigningKey,
  type NewSigningKey,
  type SigningKeyRow,
} from "../resources/signing-key/queries.ts";
import { generateSigningKey } from "./algorithms.ts";
import { hasSigner, nextGeneration, PUBLISHED_BEFORE_SECONDS } from "./schedule.ts";

/** What keys need of the outside world. */
export type KeyDeps = Pick<Deps, "database" | "clock" | "sealer" | "metrics" | "tracing">;

/** Which key to make: `rows` are the realm's keys as just read, `now` is seconds of tenant time. */
export interface KeyOrder {
  readonly algorithm: SigningAlgorithm;
  readonly rows: readonly SigningKeyRow[];
  readonly now: number;
}

// Of RS256, which every realm has: who makes it first decides which keys of a new realm sign at once.
const ARBITER: SigningAlgorithm = "RS256";

/**
 * Makes the next key of an algorithm and stores it, unless another node was faster; either way the caller reads again. It signs
 * at once if no key of the realm does, else when it has been published for long enough (rule 39).
 */
export async function makeNextKey(deps: KeyDeps, realm: RealmKey, order: KeyOrder): Promise<void> {
  const { algorithm, rows, now } = order;
  const db = deps.database.tenants([realm.tenantId]);
  const later = now + PUBLISHED_BEFORE_SECONDS;
  const make = (of: SigningAlgorithm, signsFromAt: number) =>
    makeKey(deps, realm, { algorithm: of, generation: nextGeneration(rows, of), signsFromAt });
  if (hasSigner(rows, now)) return insertSigningKey(db, realm, await make(algorithm, later));
  if (algorithm === ARBITER) return insertSigningKey(db, realm, await make(ARBITER, now));
  const [arbiter, key] = await Promise.all([make(ARBITER, now), make(algorithm, later)]);
  return insertFirstSigningKeys(db, realm, { arbiter, key });
}

/** The place a private key is sealed to: it opens for this tenant, realm and key id only (rule 39). */
export function sealContext(realm: RealmKey, keyId: string): readonly string[] {
  return ["signing-key", realm.tenantId, realm.realmId, keyId];
}

async function makeKey(
  deps: KeyDeps,
  realm: RealmKey,
  wanted: Pick<NewSigningKey, "algorithm" | "generation" | "signsFromAt">,
): Promise<NewSigningKey> {
  const { keyId, publicJwk, privateKey } = await generateSigningKey(wanted.algorithm);
  deps.metrics.counter(METRICS.signingKeysMade).cell(wanted.algorithm).add();
  const privateKeySealed = deps.sealer.seal(privateKey, sealContext(realm, keyId));
  return { ...wanted, keyId, publicJwk, privateKeySealed, createdAtMs: deps.clock.nowMs() };
}
