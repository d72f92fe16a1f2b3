import { findIdentity } from "../resources/identity/queries.ts";
import type { Visit } from "./visit.ts";

/** How the person who is known is called on a page; undefined for somebody without any name. */
export async function readPersonName({ stored, services }: Visit): Promise<string | undefined> {
  const { tenantId, realmId, identityId } = stored;
  if (identityId === undefined) throw new Error("a login that waits for a person's word knows no person");
  const identity = await findIdentity(services.deps.database.tenants([tenantId]), { tenantId, realmId, identityId });
  return identity?.traits.primary_email_address ?? identity?.displayName;
}
