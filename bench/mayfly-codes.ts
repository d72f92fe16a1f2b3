import { insertWithPartitions } from "../src/database/partitions.ts";
import { openPostgresql } from "../src/database/postgresql.ts";
import { bucketOf } from "../src/database/row-id.ts";
import { newTraceId } from "../src/http/trace-id.ts";
import { type Clock, createClock } from "../src/platform/clock.ts";
import { sha256 } from "../src/platform/hash.ts";
import { createRandom, type Random } from "../src/platform/random.ts";
import { bucketFor } from "../src/protocol/bucket.ts";
import { NO_CLAIMS } from "../src/protocol/claims-request.ts";
import { formatOpaqueToken, SECRET_BYTES } from "../src/protocol/opaque-token.ts";
import { encodeId, ID_KINDS, ID_RANDOM_BYTES } from "../src/protocol/token-id.ts";
import { insertGrant, type NewGrant } from "../src/resources/grant/queries.ts";
import { CODE_CHALLENGE, LOGIN_SCOPE, NONCE, REDIRECT_URI, REFRESH_LIFETIME_SECONDS } from "./login.ts";
import type { BenchApplication } from "./mayfly-declaration.ts";

/** As `make-grant.ts` has it. */
const CODE_LIFETIME_SECONDS = 60;
const POOL_SIZE = 16;

type Owner = {
  tenantId: string;
  application: Pick<BenchApplication, "realmId" | "applicationId" | "identityId" | "resourceServerId">;
};
type World = { clock: Clock; random: Random };

/**
 * Records grants as the end of a login does, and returns their codes. A login of a person's own for each of thousands of
 * codes would take longer than what is to be measured.
 */
export async function makeCodes(databaseUrl: string, owner: Owner, count: number): Promise<string[]> {
  const database = openPostgresql({ url: databaseUrl, poolSize: POOL_SIZE });
  const world = { clock: createClock(), random: createRandom() };
  const codes: string[] = [];
  const insertSome = async (): Promise<void> => {
    for (;;) {
      const { code, grant } = makeGrant(owner, world);
      if (codes.length >= count) return;
      codes.push(code);
      await insertWithPartitions(database, "grants", [bucketOf(grant.id)], () =>
        insertGrant(database.tenants([owner.tenantId]), grant),
      );
    }
  };
  try {
    await Promise.all(Array.from({ length: POOL_SIZE }, insertSome));
    return codes;
  } finally {
    await database.close();
  }
}

/** Makes a grant as `make-grant.ts` does, and its code. */
export function makeGrant(
  { tenantId, application }: Owner,
  { clock, random }: World,
): { code: string; grant: NewGrant } {
  const now = clock.nowSeconds();
  const lifetime = CODE_LIFETIME_SECONDS + REFRESH_LIFETIME_SECONDS;
  const id = {
    traceId: newTraceId(clock, random),
    kind: ID_KINDS.grant,
    bucket: bucketFor(now, lifetime),
    random: random.bytes(ID_RANDOM_BYTES),
  };
  const code = formatOpaqueToken("code", id, random.bytes(SECRET_BYTES));
  const { realmId, applicationId, identityId, resourceServerId } = application;
  const grant: NewGrant = {
    tenantId,
    realmId,
    applicationId,
    id: encodeId(id),
    identityId,
    resourceServerId,
    subject: identityId,
    sessionId: "",
    clientSessionId: undefined,
    consentMaxSeconds: undefined,
    consentRenewalSeconds: undefined,
    transactionId: encodeId({ ...id, kind: ID_KINDS.authorizationRequest }),
    scope: LOGIN_SCOPE,
    nonce: NONCE,
    redirectUri: REDIRECT_URI,
    redirectUriOptional: true,
    codeChallenge: CODE_CHALLENGE,
    codeChallengeMethod: "S256",
    authTime: now,
    amr: ["otp"],
    acr: "mayfly:1",
    claims: NO_CLAIMS,
    codeHash: sha256(code),
    codeExpiresAt: now + CODE_LIFETIME_SECONDS,
    issuedAt: now,
    endsAt: now + lifetime,
    decision: { redirect_uri: REDIRECT_URI, pkce: "S256", subject_field: "id", scopes_dropped: [] },
  };
  return { code, grant };
}
