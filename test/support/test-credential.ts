import { generateKeyPairSync } from "node:crypto";
import { hexId } from "../../src/platform/random.ts";
import type { RealmKey } from "../../src/protocol/client-metadata.ts";
import { insertCredential, type NewCredential } from "../../src/resources/credential/queries.ts";
import type { TestTenant } from "./test-tenant.ts";

/** What a test says of a passkey. */
interface PasskeyOptions extends Partial<NewCredential> {
  readonly realm?: RealmKey;
}

/** Gives an identity a passkey, as WebAuthn's registration would. Returns its id. */
export async function addPasskey(
  tenant: TestTenant,
  identityId: string,
  { realm = tenant.realm, ...options }: PasskeyOptions = {},
): Promise<string> {
  const { database, random, clock } = tenant.server.deps;
  const key = { ...realm, credentialId: hexId(random) };
  const credential: NewCredential = {
    identityId,
    csrType: "FIDO2",
    publicJwk: { ...generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" }) },
    authenticatorConfigId: undefined,
    displayName: "Laptop",
    webauthn: {
      webauthnId: random.bytes(32),
      rpId: "localhost",
      aaguid: "00000000-0000-0000-0000-000000000000",
      signCount: 1,
      isBackupEligible: true,
      isBackedUp: false,
      transports: ["internal", "hybrid"],
    },
    ...options,
  };
  await insertCredential(database.tenants([tenant.tenantId]), key, credential, clock.nowMs());
  return key.credentialId;
}
