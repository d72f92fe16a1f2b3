import { type Static, Type } from "typebox";
import { PLACE, TIMES } from "../answer-parts.ts";
import { HexId, oneOf } from "../schema-parts.ts";

/** A credential is active until it is revoked, for good. */
export const CREDENTIAL_STATES = ["ACTIVE", "REVOKED"] as const;
export type CredentialState = (typeof CREDENTIAL_STATES)[number];

/** How a credential's key came to us: signed by itself, or by WebAuthn. */
export const CSR_TYPES = ["JWT", "WEBAUTHN", "FIDO2"] as const;
export type CsrType = (typeof CSR_TYPES)[number];

/** A credential as the API shows it; nothing of it is written there. */
export const CredentialAnswer = Type.Object(
  {
    id: HexId,
    identity_id: HexId,
    ...PLACE,
    state: oneOf(CREDENTIAL_STATES),
    csr_type: oneOf(CSR_TYPES),
    /** the public key: a JWK, as a text (reference 2.3) */
    jwk_json: Type.String(),
    /** RFC 7638, base64url */
    jwk_thumbprint: Type.String(),
    ...TIMES,
  },
  { additionalProperties: false },
);
export type CredentialAnswer = Static<typeof CredentialAnswer>;
