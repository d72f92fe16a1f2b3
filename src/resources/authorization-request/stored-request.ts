import type { RealmKey } from "../../protocol/client-metadata.ts";
import {
  type Agreed,
  type Authentication,
  type AuthorizeParameters,
  type EmbeddedLogin,
  type LoginStart,
  type LoginState,
  readStoredRequest,
} from "./schema.ts";

/** The `application_id` of a login to an account page. */
export const NO_APPLICATION = "";

/** A person's way from /authorize through the login pages and back; instants are seconds of tenant time. */
export interface AuthorizationRequest extends RealmKey, Agreed {
  /** undefined: a login to the account page of the realm, which is no application's */
  readonly applicationId: string | undefined;
  /** 32 base64url characters; the `request` in the addresses of the login pages */
  readonly id: string;
  /** SHA-256 of the secret in the browser's cookie */
  readonly browserHash: Uint8Array;
  readonly parameters: AuthorizeParameters;
  readonly state: LoginState;
  readonly emailKey: string | undefined;
  readonly identityId: string | undefined;
  /** how the person was authenticated, once it is known */
  readonly authentication: Authentication | undefined;
  /** what the next use or making of a passkey answers, base64url; undefined in a request of a version that knew none */
  readonly challenge: string | undefined;
  /** undefined: at our own pages */
  readonly embedded: EmbeddedLogin | undefined;
  readonly codeHash: Uint8Array | undefined;
  readonly codeExpiresAt: number | undefined;
  readonly codeTries: number;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly completedAt: number | undefined;
}

export type NewAuthorizationRequest = RealmKey &
  Pick<AuthorizationRequest, "applicationId" | "id" | "browserHash" | "parameters" | "createdAt" | "expiresAt"> & {
    readonly start: LoginStart;
    readonly challenge: string;
    readonly embedded?: EmbeddedLogin | undefined;
  };

/** A row of `authorization_requests`. */
export interface AuthorizationRequestRow {
  readonly tenant_id: string;
  readonly realm_id: string;
  readonly id: Buffer;
  readonly application_id: string;
  readonly browser_hash: Buffer;
  readonly request: unknown;
  readonly step: LoginState;
  readonly email_key: string | null;
  readonly identity_id: string | null;
  readonly code_hash: Buffer | null;
  readonly code_expires_at: number | null;
  readonly code_tries: number;
  readonly created_at: number;
  readonly expires_at: number;
  readonly completed_at: number | null;
}

/** Translates a row into what the login reads. */
export function toAuthorizationRequest(row: AuthorizationRequestRow): AuthorizationRequest {
  const { parameters, authentication, ...others } = readStoredRequest(row.request);
  return {
    tenantId: row.tenant_id,
    realmId: row.realm_id,
    applicationId: row.application_id === NO_APPLICATION ? undefined : row.application_id,
    id: row.id.toString("base64url"),
    browserHash: row.browser_hash,
    parameters,
    state: row.step,
    emailKey: row.email_key ?? undefined,
    identityId: row.identity_id ?? undefined,
    authentication,
    ...others,
    codeHash: row.code_hash ?? undefined,
    codeExpiresAt: row.code_expires_at ?? undefined,
    codeTries: row.code_tries,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    completedAt: row.completed_at ?? undefined,
  };
}
