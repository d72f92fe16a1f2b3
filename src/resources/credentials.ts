// What the server makes up for a tenant or client, and how it is kept (mayfly.md §4, reference 1.3).

import type { Deps } from "../deps.ts";
import type { Random } from "../platform/random.ts";
import type { ApplicationKey } from "../protocol/client-metadata.ts";

const CLIENT_ID_BYTES = 18;
const CLIENT_SECRET_BYTES = 36;
const REFRESH_KEY_BYTES = 32;

/** A generated `client_id`: 24 base64url characters. */
export function newClientId(random: Random): string {
  return random.bytes(CLIENT_ID_BYTES).toString("base64url");
}

/** A generated `client_secret`: 48 base64url characters, 288 bits. */
export function newClientSecret(random: Random): string {
  return random.bytes(CLIENT_SECRET_BYTES).toString("base64url");
}

/** A new tenant's key for the checksum of its refresh tokens, sealed. */
export function sealNewRefreshKey(deps: Pick<Deps, "sealer" | "random">, tenantId: string): Buffer {
  return deps.sealer.seal(deps.random.bytes(REFRESH_KEY_BYTES), ["refresh-key", tenantId]);
}

/** A client's secret, sealed to its application. */
export function sealClientSecret(deps: Pick<Deps, "sealer">, key: ApplicationKey, secret: string): Buffer {
  return deps.sealer.seal(Buffer.from(secret, "utf8"), secretPlace(key));
}

/** A client's secret, opened again. */
export function openClientSecret(deps: Pick<Deps, "sealer">, key: ApplicationKey, sealed: Uint8Array): string {
  return deps.sealer.open(sealed, secretPlace(key)).toString("utf8");
}

function secretPlace(key: ApplicationKey): readonly string[] {
  return ["client-secret", key.tenantId, key.realmId, key.applicationId];
}
