import { sha256 } from "../../platform/hash.ts";

/** Whose passkeys they are. */
interface Person {
  readonly tenantId: string;
  readonly realmId: string;
  readonly identityId: string;
}

/**
 * What authenticators call a person (WebAuthn Level 3 §4 "User Handle"): 32 bytes, always the same, that say nothing of anybody
 * (§14.6.1), since the ids that they are made of are random.
 */
export function userHandleOf({ tenantId, realmId, identityId }: Person): Buffer {
  return sha256(["webauthn user handle", tenantId, realmId, identityId].join("\0"));
}
