import { insertWithPartitions } from "../../src/database/partitions.ts";
import { newTraceId } from "../../src/http/trace-id.ts";
import { sha256 } from "../../src/platform/hash.ts";
import { hexId } from "../../src/platform/random.ts";
import { bucketFor } from "../../src/protocol/bucket.ts";
import { NO_CLAIMS } from "../../src/protocol/claims-request.ts";
import type { ApplicationContext } from "../../src/protocol/client-metadata.ts";
import { formatOpaqueToken, SECRET_BYTES } from "../../src/protocol/opaque-token.ts";
import { encodeId, ID_KINDS, ID_RANDOM_BYTES } from "../../src/protocol/token-id.ts";
import { findApplicationContext } from "../../src/resources/application/queries.ts";
import { insertGrant, type NewGrant } from "../../src/resources/grant/queries.ts";
import type { TestApplication, TestTenant } from "./test-tenant.ts";

const CODE_LIFETIME_SECONDS = 60;

/** What a login would have led to. */
export interface TestGrantOptions {
  /** absent: somebody new */
  readonly identityId?: string;
  readonly scope?: string;
  readonly nonce?: string;
  readonly redirectUri?: string;
  /** whether exactly one redirect URI was registered (rule 6) */
  readonly redirectUriOptional?: boolean;
  /** S256 unless it says otherwise */
  readonly pkce?: "S256" | "plain" | "none";
}

/** A code that a client could have got from /authorize, and what only its rightful client knows. */
export interface TestGrant {
  readonly code: string;
  readonly verifier: string;
  readonly identityId: string;
  readonly grantId: string;
}

/** Makes an authorization code directly in the database, as the end of a login does. */
export async function testGrant(
  tenant: TestTenant,
  application: TestApplication,
  options: TestGrantOptions = {},
): Promise<TestGrant> {
  const { deps } = tenant.server;
  const db = deps.database.tenants([tenant.tenantId]);
  const context = await findApplicationContext(db, application.key);
  if (context === undefined) throw new Error("no such application");
  const identityId = options.identityId ?? (await tenant.addIdentity(`${hexId(deps.random)}@example.com`));
  const lifetime = CODE_LIFETIME_SECONDS + longestLifeOf(context);
  const id = {
    traceId: newTraceId(deps.clock, deps.random),
    kind: ID_KINDS.grant,
    bucket: bucketFor(deps.clock.nowSeconds(), lifetime),
    random: deps.random.bytes(ID_RANDOM_BYTES),
  };
  const code = formatOpaqueToken("code", id, deps.random.bytes(SECRET_BYTES));
  const verifier = deps.random.bytes(32).toString("base64url");
  const now = deps.clock.nowSeconds() + context.tenant.clockOffsetSeconds;
  const grant: NewGrant = {
    ...application.key,
    id: encodeId(id),
    identityId,
    resourceServerId: context.client.resourceServerId,
    subject: identityId,
    sessionId: "",
    clientSessionId: undefined,
    consentMaxSeconds: undefined,
    consentRenewalSeconds: undefined,
    transactionId: hexId(deps.random),
    scope: options.scope ?? scopeOf(context),
    nonce: options.nonce,
    redirectUri: options.redirectUri ?? context.client.redirectUris[0] ?? "https://client.example/callback",
    redirectUriOptional: options.redirectUriOptional ?? false,
    ...challengeOf(options.pkce ?? "S256", verifier),
    authTime: now,
    amr: ["otp"],
    acr: "mayfly:1",
    claims: NO_CLAIMS,
    codeHash: sha256(code),
    codeExpiresAt: now + CODE_LIFETIME_SECONDS,
    issuedAt: now,
    endsAt: now + lifetime,
    decision: { outcome: "granted" },
  };
  // A lifetime that nobody used before may find no partition (settled 8).
  await insertWithPartitions(deps.database, "grants", [id.bucket], () => insertGrant(db, grant));
  return { code, verifier, identityId, grantId: encodeId(id) };
}

function longestLifeOf({ client }: ApplicationContext): number {
  return Math.max(client.expiresAfterSeconds, client.refresh.enabled ? client.refresh.absoluteDurationSeconds : 0);
}

function scopeOf({ client }: ApplicationContext): string {
  return [...(client.type === "oidc" ? ["openid"] : []), ...client.allowedScopes].join(" ");
}

function challengeOf(pkce: "S256" | "plain" | "none", verifier: string) {
  if (pkce === "none")
    return { codeChallenge: undefined, consentMaxSeconds: undefined, codeChallengeMethod: undefined };
  const value = pkce === "plain" ? verifier : sha256(verifier).toString("base64url");
  return { codeChallenge: value, codeChallengeMethod: pkce };
}
