import type { Database, Queryable } from "../../database/database.ts";
import { insertWithPartitions } from "../../database/partitions.ts";
import type { ApplicationKey } from "../../protocol/client-metadata.ts";
import type { EndedRow } from "../../protocol/live-count.ts";
import { decodeId, ID_KINDS } from "../../protocol/token-id.ts";
import { decisionBucket, insertDecisions } from "../decision/queries.ts";
import { type RevocationReason, revokeGrants } from "../grant/queries.ts";
import { revokeTokens } from "../token/queries.ts";

/** The end of an access token, or of a grant with its whole family (rule 13). */
export interface Revocation extends ApplicationKey {
  /** the id of the token or the grant; its kind tells which */
  readonly id: string;
  /** seconds of tenant time */
  readonly at: number;
  readonly atMs: number;
  readonly reason: RevocationReason;
  /** the request that did it, and what its decision says */
  readonly traceId: Uint8Array;
  readonly outcome: string;
  readonly kind: "token" | "revoke";
  readonly facts: Readonly<Record<string, unknown>>;
}

/**
 * Revokes and records who did it and why, in one transaction: neither is ever there without the other (rule 24).
 *
 * @returns what this ended: what had been revoked before is not in it
 */
export function insertRevocations(
  database: Database,
  revocations: readonly Revocation[],
): Promise<readonly EndedRow[]> {
  const tenants = [...new Set(revocations.map((one) => one.tenantId))];
  const buckets = revocations.map((one) => decisionBucket(one.atMs));
  return insertWithPartitions(database, "decisions", buckets, () =>
    database.transaction(tenants, (session) => revokeAndRecord(session, revocations)),
  );
}

async function revokeAndRecord(session: Queryable, revocations: readonly Revocation[]): Promise<readonly EndedRow[]> {
  const tokens = revocations.filter((one) => kindOf(one) === ID_KINDS.access);
  const grants = revocations.filter((one) => kindOf(one) === ID_KINDS.grant);
  const endedTokens = tokens.length > 0 ? await revokeTokens(session, tokens) : [];
  const endedFamilies = grants.length > 0 ? await revokeGrants(session, grants) : [];
  await insertDecisions(
    session,
    revocations.map(({ tenantId, realmId, applicationId, ...one }) => ({
      tenantId,
      realmId,
      applicationId,
      traceId: one.traceId,
      kind: one.kind,
      outcome: one.outcome,
      recordedAtMs: one.atMs,
      facts: { ...endedBy(one), reason: one.reason, ...one.facts },
    })),
  );
  return [...endedTokens, ...endedFamilies];
}

function endedBy(one: Pick<Revocation, "id">): Readonly<Record<string, string>> {
  if (kindOf(one) === ID_KINDS.grant) return { ended: "the whole family", grant_id: one.id };
  return { ended: "the access token", token_id: one.id };
}

function kindOf({ id }: Pick<Revocation, "id">): number | undefined {
  return decodeId(id)?.kind;
}
