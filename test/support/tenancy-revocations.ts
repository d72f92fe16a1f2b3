import type { Queryable } from "../../src/database/database.ts";
import { uuid } from "../../src/platform/random.ts";
import { ID_BYTES } from "../../src/protocol/token-id.ts";
import * as revocations from "../../src/resources/token-revocation/queries.ts";
import { endRows } from "../../src/resources/token-revocation-batch/queries.ts";
import type { TenantInUse } from "./tenancy-scenario.ts";

/** Notes the statements that end many tokens at once, which would end what the scenario made. */
export async function noteRevocations(used: TenantInUse, note: Queryable, nowMs: number): Promise<void> {
  const { realm, server } = used.tenant;
  const { database, random } = server.deps;
  const { key } = used.flow.application;
  const lateMs = nowMs + 1_000_000; // not yet, so that the server leaves it alone
  const now = Math.floor(nowMs / 1_000);
  const source = { actor: { type: "Anonymous" }, traceId: Buffer.alloc(16), atMs: nowMs } as const;
  const filter = { application_id: key.applicationId };
  const asked = { filter, issuedBefore: now + 1_000_000, judgedAt: 1, until: undefined, raisedFrom: {}, source };
  const revocation = { ...realm, revocationId: uuid(random) };
  const times = { nowMs: lateMs, beforeMs: lateMs };
  const stored = await revocations.insertTokenRevocation(database.tenants([realm.tenantId]), revocation, asked, times);
  await revocations.holdTokenRevocation(note, revocation, lateMs);
  await revocations.saveProgress(note, revocation, stored, { nowMs, dueAtMs: lateMs });
  await revocations.postponeTokenRevocation(note, revocation, lateMs + 1);
  await revocations.raiseValidAfter(note, realm, { holder: "application", id: key.applicationId }, 2);
  await revocations.raiseValidAfter(note, realm, { holder: "identity", id: used.flow.identityId }, 2);
  await revocations.nextApplicationId(note, realm, "");
  const page = { after: Buffer.alloc(ID_BYTES), before: Buffer.alloc(ID_BYTES, 0xff), limit: 100 };
  for (const until of [undefined, now + 5]) {
    const parts = { asked: { ...asked, until }, page, revokedAt: now };
    for (const what of ["tokens", "grants"] as const) await endRows(note, what, key, parts);
  }
}
