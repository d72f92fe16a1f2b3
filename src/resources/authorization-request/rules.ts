// What /authorize and the login pages must agree on without knowing one another: addresses, ids and the browser's proof.

import { createHmac } from "node:crypto";
import type { HttpRequest } from "../../http/route.ts";
import { realmKeyOf } from "../../http/route.ts";
import { equalBytes, sha256 } from "../../platform/hash.ts";
import type { Random } from "../../platform/random.ts";
import { bucketFor, isLivePartitionRange } from "../../protocol/bucket.ts";
import { applicationPath, type RealmKey, realmPath } from "../../protocol/client-metadata.ts";
import { parseQuery } from "../../protocol/parameters.ts";
import { decodeId, encodeId, ID_KINDS, ID_RANDOM_BYTES } from "../../protocol/token-id.ts";
import type { AuthorizationRequest, AuthorizationRequestKey } from "./queries.ts";
import { AUTHORIZATION_REQUEST_LIFETIME_SECONDS } from "./schema.ts";

/** Bytes of the secret that binds a request to a browser. */
export const BROWSER_SECRET_BYTES = 32;
/** Bytes of what a passkey signs (WebAuthn Level 3 §13.4.3). */
const CHALLENGE_BYTES = 32;
// Three times its life: who comes late is told that it has expired, and not that it never was.
const REMEMBERED_SECONDS = 3 * AUTHORIZATION_REQUEST_LIFETIME_SECONDS;

/** A new request's id; its bucket is in real time (settled 5). */
export function newAuthorizationRequestId(random: Random, traceId: Uint8Array, realNowSeconds: number): string {
  const bucket = bucketFor(realNowSeconds, REMEMBERED_SECONDS);
  return encodeId({ traceId, kind: ID_KINDS.authorizationRequest, bucket, random: random.bytes(ID_RANDOM_BYTES) });
}

/** What a passkey that is used or made in a request answers: base64url, another one after each. */
export function newChallenge(random: Random): string {
  return random.bytes(CHALLENGE_BYTES).toString("base64url");
}

/** The request that a text from outside names, or undefined when no live row can have this id (rule 10). */
export function authorizationRequestKeyOf(
  realm: RealmKey | undefined,
  id: string | undefined,
  realNowSeconds: number,
): AuthorizationRequestKey | undefined {
  const parts = id === undefined ? undefined : decodeId(id);
  if (realm === undefined || id === undefined || parts?.kind !== ID_KINDS.authorizationRequest) return undefined;
  if (!isLivePartitionRange(parts.bucket, realNowSeconds)) return undefined;
  return { tenantId: realm.tenantId, realmId: realm.realmId, id };
}

/** The request that a login page's path names. */
export function pathRequestKeyOf(request: HttpRequest, realNowSeconds: number): AuthorizationRequestKey | undefined {
  return authorizationRequestKeyOf(realmKeyOf(request), request.parameters.request, realNowSeconds);
}

/** Where the login pages of a request are. */
export function loginPath(key: AuthorizationRequestKey): string {
  return `/authenticator${realmPath(key)}/requests/${key.id}`;
}

/** A request, and for what it is. */
type CompletedKey = AuthorizationRequestKey & Pick<AuthorizationRequest, "applicationId">;

/** Where a request is answered when its login is over: to its client, or for the account page by that page. */
export function completionPath(key: CompletedKey): string {
  const { applicationId } = key;
  if (applicationId === undefined) return `${loginPath(key)}/account`;
  return `${applicationPath({ ...key, applicationId })}/authorize/complete?request=${key.id}`;
}

/** The hash of a secret of a login at an application's own pages, as it is stored. */
export function hashLoginSecret(secret: Uint8Array): string {
  return sha256(secret).toString("base64url");
}

/** Whether a secret is the one of a stored hash, in constant time. */
export function isLoginSecret(secret: Uint8Array | undefined, stored: string | undefined): boolean {
  if (secret === undefined || stored === undefined) return false;
  return equalBytes(sha256(secret), Buffer.from(stored, "base64url"));
}

const COMPLETION_SECRET = /^[A-Za-z0-9_-]{43}$/;

/**
 * Whether a login was proved at an application's own page and is not known yet to have come back from there: whoever began it may have sent
 * somebody else to that page.
 */
export function needsCompletionSecret({ embedded, identityId, authentication }: AuthorizationRequest): boolean {
  if (embedded === undefined || identityId === undefined || embedded.isClaimed === true) return false;
  return authentication?.sessionId === undefined;
}

/** Where a request is answered whose person was authenticated at an application's own page: with a secret, which works once. */
export function completionPathWith(key: CompletedKey, secret: Uint8Array): string {
  return `${completionPath(key)}&secret=${Buffer.from(secret).toString("base64url")}`;
}

/** The secret of such an address, if there is one. */
export function readCompletionSecret({ queryString }: HttpRequest): Buffer | undefined {
  const sent = parseQuery(queryString, { duplicates: "report" }).values.get("secret");
  return sent !== undefined && COMPLETION_SECRET.test(sent) ? Buffer.from(sent, "base64url") : undefined;
}

/** Whether this browser is the one that began the request: its cookie's secret against the stored hash, in constant time. */
export function isSameBrowser(secret: Uint8Array | undefined, browserHash: Uint8Array): boolean {
  return secret !== undefined && equalBytes(sha256(secret), browserHash);
}

/** The token that a form of this browser and request carries, so that no other site can send it (RFC 6749 §10.12). */
export function formToken(secret: Uint8Array, requestId: string): string {
  return createHmac("sha256", secret).update(`form ${requestId}`).digest("base64url");
}

/** A one-time code as it is stored: worthless without the browser's secret, which no table holds. */
export function hashCode(secret: Uint8Array, requestId: string, code: string): Buffer {
  return createHmac("sha256", secret).update(`code ${requestId} ${code}`).digest();
}
