import type { Queryable } from "../database/database.ts";
import { notFound } from "../http/management-error.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import { type Call, readPathId, realmOf } from "./call.ts";
import { findIdentity } from "./identity/queries.ts";

/** In a path it stands for every identity of the realm (reference 2.1). */
const EVERYBODY = "-";

/** The id of the identity in a call's path. Throws 404 for one that can name nobody. */
export function identityIdOf({ request }: Pick<Call<unknown, unknown>, "request">): string {
  return readPathId(request, { parameter: "identity", shape: "hex", kind: "Identity" });
}

/** Whose things a list shows: the identity's in its path, or with `-` everybody's of the realm. */
export function ownerOf(call: Call<unknown, unknown>): RealmKey & { readonly identityId: string | undefined } {
  const isAll = call.request.parameters.identity === EVERYBODY;
  return { ...realmOf(call), identityId: isAll ? undefined : identityIdOf(call) };
}

/** The rows of an owner's list. Where there are none, 404 if that is because there is no such identity. */
export async function demandOwner<T>(
  db: Queryable,
  { identityId, ...realm }: RealmKey & { readonly identityId: string | undefined },
  rows: Promise<T[]>,
): Promise<T[]> {
  const found = await rows;
  if (found.length > 0 || identityId === undefined) return found;
  if ((await findIdentity(db, { ...realm, identityId })) === undefined) throw notFound("Identity", identityId);
  return found;
}
