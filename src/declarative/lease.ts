import type { Queryable } from "../database/database.ts";
import type { Deps } from "../deps.ts";
import { hexId } from "../platform/random.ts";
import { deleteLease, extendLease, type Lease as LeaseRow, takeLease } from "../resources/lease/queries.ts";

const LEASE_MS = 30_000;
const WAIT_MS_MAX = 120_000;
const POLL_MS = 200;

/** Work that no other node does at this time. */
export interface Lease {
  /** Call first in each transaction: it fails when the lease was lost, and holds it to the transaction's end. */
  keep(session: Queryable): Promise<void>;
}

/**
 * Runs `work` while no other node runs work of this name. A node that dies keeps the others waiting until its lease ends.
 *
 * @throws when another node holds the lease for longer than two minutes
 */
export async function withLease<T>(deps: Deps, name: string, work: (lease: Lease) => Promise<T>): Promise<T> {
  const db = deps.database.tenants([]);
  const holder = hexId(deps.random);
  const claim = (nowMs: number): LeaseRow => ({ name, holder, untilMs: nowMs + LEASE_MS });
  const take = (nowMs: number): Promise<boolean> => takeLease(db, claim(nowMs), nowMs);
  const giveUpAt = deps.clock.monotonicMs() + WAIT_MS_MAX;
  while (!(await take(deps.clock.nowMs()))) {
    if (deps.clock.monotonicMs() > giveUpAt) throw new Error(`another node has held the lease "${name}" for too long`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  try {
    return await work({
      keep: async (session) => {
        const nowMs = deps.clock.nowMs();
        if (!(await extendLease(session, claim(nowMs), nowMs)))
          throw new Error(`the lease "${name}" was lost to another node`);
      },
    });
  } finally {
    await deleteLease(db, name, holder);
  }
}
