import assert from "node:assert/strict";
import type { Queryable } from "../../src/database/database.ts";
import {
  findCredential,
  findCredentialByWebauthnId,
  revokeCredential,
} from "../../src/resources/credential/queries.ts";
import type { TenantInUse } from "./tenancy-scenario.ts";

/** Notes the statements about what people log in with that no route sends, or that were done already when they are replayed. */
export async function noteDevices({ tenant, ids }: TenantInUse, note: Queryable, nowMs: number): Promise<void> {
  const { realm, server } = tenant;
  const key = { ...realm, credentialId: String(ids.credential) };
  const credential = await findCredential(server.deps.database.tenants([realm.tenantId]), key, String(ids.identity));
  assert.ok(credential?.webauthn);
  await findCredentialByWebauthnId(note, realm, credential.webauthn.webauthnId);
  await revokeCredential(note, key, nowMs);
}
