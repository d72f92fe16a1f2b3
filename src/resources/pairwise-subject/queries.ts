import type { Queryable } from "../../database/database.ts";
import { statement } from "../../database/statement.ts";
import type { IdentityKey } from "../identity/queries.ts";

// The insert answers when it won, the other half when the row was there before.
const assign = statement(
  "pairwise_subject.assign",
  `WITH made AS (
     INSERT INTO pairwise_subjects (tenant_id, realm_id, sector, identity_id, subject) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (tenant_id, realm_id, sector, identity_id) DO NOTHING
     RETURNING subject
   )
   SELECT subject FROM made
   UNION ALL
   SELECT subject FROM pairwise_subjects WHERE tenant_id = $1 AND realm_id = $2 AND sector = $3 AND identity_id = $4`,
);

/**
 * What a sector calls a person: what it did before, or this from now on.
 *
 * @param sector the host of the sector's redirect URIs
 */
export async function assignPairwiseSubject(
  db: Queryable,
  key: IdentityKey,
  named: { readonly sector: string; readonly subject: string },
): Promise<string> {
  const values = [key.tenantId, key.realmId, named.sector, key.identityId, named.subject];
  const [row] = await db.run(assign, values);
  // No row at all: another was committed after this statement began, and a second look sees it.
  const [found] = row === undefined ? await db.run(assign, values) : [row];
  if (found === undefined) throw new Error("a person has no subject after one was assigned");
  return found.subject as string;
}
