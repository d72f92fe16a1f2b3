// What ends a consent: the grants that were made by it end with it, in one transaction (rule 13).

import type { Database, Queryable } from "../../database/database.ts";
import { insertWithPartitions } from "../../database/partitions.ts";
import type { EndedRow } from "../../protocol/live-count.ts";
import { decisionBucket } from "../decision/queries.ts";
import { revokeGrants } from "../revocation/queries.ts";
import { withdrawSessionApplications } from "../session-application/queries.ts";
import { type ConsentKey, deleteConsent, listLiveGrants } from "./queries.ts";

/** Most grants of one person to one application that are ended at once, in slices of 500: more than anybody logs in. */
const SLICES_MAX = 1_000;

/** When a consent is withdrawn, and by which request. */
export interface Withdrawal {
  /** seconds of tenant time */
  readonly at: number;
  /** milliseconds of real time */
  readonly atMs: number;
  readonly traceId: Uint8Array;
}

/**
 * Withdraws what a person let an application have: it is asked for again, and whatever the application holds of the person is dead, refresh
 * tokens and access tokens alike, given with consent or without (rule 13). It hears that its sessions of the person are over. A login that is just being answered waits, or finds none.
 *
 * @returns the refresh families that lived until now, for whoever counts them
 */
export function withdrawConsent(
  database: Database,
  key: ConsentKey,
  withdrawal: Withdrawal,
): Promise<readonly EndedRow[]> {
  const buckets = [decisionBucket(withdrawal.atMs)];
  return insertWithPartitions(database, "decisions", buckets, () =>
    database.transaction([key.tenantId], async (db) => {
      // In the order in which a login writes the two, so that neither waits for the other. One that begins a session at this moment is
      // not told, and has nothing.
      await withdrawSessionApplications(db, key, withdrawal.atMs);
      await deleteConsent(db, key); // before the grants: it waits for those that are being made by it, and the next statement sees them
      return endGrants(db, key, withdrawal);
    }),
  );
}

async function endGrants(db: Queryable, key: ConsentKey, { at, atMs, traceId }: Withdrawal): Promise<EndedRow[]> {
  const ended: EndedRow[] = [];
  for (let slice = 0; slice < SLICES_MAX; slice += 1) {
    const ids = await listLiveGrants(db, key, at);
    if (ids.length === 0) break;
    const { identityId, ...application } = key;
    const why = {
      reason: "withdrawn",
      kind: "revoke",
      outcome: "withdrawn",
      facts: { identity_id: identityId },
    } as const;
    ended.push(
      ...(await revokeGrants(
        db,
        ids.map((id) => ({ ...application, id, at, atMs, traceId, ...why })),
      )),
    );
  }
  return ended;
}
