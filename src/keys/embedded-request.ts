import type { Deps } from "../deps.ts";
import type { Random } from "../platform/random.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import {
  EMBEDDED_REQUEST_TYPE,
  embeddedRequestClaims,
  type PresentedRequest,
  readEmbeddedRequest,
} from "../protocol/embedded-request.ts";
import { belowInvokeUrl } from "../protocol/invoke-url.ts";
import { appendParameters } from "../protocol/redirect-uri.ts";
import type { AuthorizationRequest } from "../resources/authorization-request/queries.ts";
import { raiseSigningKeyExpiry } from "../resources/signing-key/queries.ts";
import type { KeyStore } from "./key-store.ts";

const SECRET_BYTES = 32;

/** What signs and verifies the `request` of an application's own pages. */
export interface EmbeddedSigner {
  readonly keys: Pick<KeyStore, "signingKey" | "signJwt" | "verifyJwt" | "publishedExpiry" | "rememberExpiry">;
  readonly deps: Pick<Deps, "config" | "database">;
}

/** The secrets of a `request`. */
export type EmbeddedSecrets = Pick<PresentedRequest, "seed" | "step">;

/** New secrets: of the next step of a login, or of the first. */
export function newEmbeddedSecrets(random: Random, seed: Uint8Array = random.bytes(SECRET_BYTES)): EmbeddedSecrets {
  return { seed, step: random.bytes(SECRET_BYTES) };
}

/** The address of an application's own page for a login as it stands (reference 1.4 and 3.1). */
export async function signAuthenticateUrl(
  { keys, deps }: EmbeddedSigner,
  stored: AuthorizationRequest,
  { invokeUrl, secrets, now }: { readonly invokeUrl: string; readonly secrets: EmbeddedSecrets; readonly now: number },
): Promise<string> {
  const { id, challenge, parameters, expiresAt } = stored;
  const { publicUrl } = deps.config;
  const said = { transactionId: id, challenge, state: parameters.state, issuedAt: now, expiresAt, ...secrets };
  const realm = { tenantId: stored.tenantId, realmId: stored.realmId };
  const key = await keys.signingKey(realm, "RS256", now);
  const until = keys.publishedExpiry(key, expiresAt);
  if (until !== undefined) {
    // Before it is sent: the key stays published for as long as it is verified (settled 17).
    await raiseSigningKeyExpiry(deps.database.tenants([realm.tenantId]), realm, { keyId: key.keyId, until });
    keys.rememberExpiry(key, until);
  }
  const claims = embeddedRequestClaims(publicUrl, realm, said);
  const request = await keys.signJwt(key, { typ: EMBEDDED_REQUEST_TYPE }, claims);
  return authenticateUrl(invokeUrl, request);
}

/** The address of an application's own page with a `request`. */
export function authenticateUrl(invokeUrl: string, request: string): string {
  return appendParameters(belowInvokeUrl(invokeUrl, "bi-authenticate"), { request });
}

/** What a `request` names; undefined for what no key of this realm has signed for its authenticator. */
export async function verifyEmbeddedJwt(
  { keys, deps }: EmbeddedSigner,
  realm: RealmKey,
  request: string,
): Promise<PresentedRequest | undefined> {
  const jwt = await keys.verifyJwt(realm, request);
  return jwt && readEmbeddedRequest(deps.config.publicUrl, realm, jwt);
}
