import type { Queryable } from "../../database/database.ts";
import { isLivePartitionRange } from "../../protocol/bucket.ts";
import type { ApplicationKey } from "../../protocol/client-metadata.ts";
import { decodeId, ID_KINDS } from "../../protocol/token-id.ts";
import type { Call } from "../call.ts";
import { type GrantFacts, readGrants } from "../grant/queries.ts";
import { readTokens, type TokenFacts, type TokenLookUp } from "../token/queries.ts";

/** A token of an application, dead or alive: an access token, or the family of refresh tokens under its grant's id. */
export type FoundToken =
  | { readonly kind: "access"; readonly row: TokenFacts }
  | { readonly kind: "refresh"; readonly row: GrantFacts };

/** Finds a token of an application by its id; undefined for one of another application, too. */
export async function findToken(
  { db, deps }: Pick<Call<unknown, unknown>, "db" | "deps">,
  asked: ApplicationKey & Pick<TokenLookUp, "id" | "withDecision">,
): Promise<FoundToken | undefined> {
  const parts = decodeId(asked.id);
  if (parts === undefined || !isLivePartitionRange(parts.bucket, deps.clock.nowSeconds())) return undefined;
  const found = await readOf(db, asked, parts.kind);
  return found?.row.applicationId === asked.applicationId ? found : undefined;
}

async function readOf(db: Queryable, row: TokenLookUp, kind: number): Promise<FoundToken | undefined> {
  if (kind === ID_KINDS.access) {
    const [reading] = await readTokens(db, [row]);
    return reading?.facts && { kind: "access", row: reading.facts };
  }
  if (kind !== ID_KINDS.grant) return undefined;
  const [grant] = await readGrants(db, [row]);
  return grant && { kind: "refresh", row: grant };
}

/** What a token comes from: the token that it was exchanged from, else its grant. */
export function parentOf({ ancestorIds, grantId }: TokenFacts): { readonly parent_id?: string } {
  const parent = ancestorIds[0] ?? grantId;
  return parent === undefined ? {} : { parent_id: parent };
}
