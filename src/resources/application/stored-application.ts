import type { ApplicationKey } from "../../protocol/client-metadata.ts";
import type { ApplicationSettings } from "./schema.ts";

/** A client's secret as it is stored. */
export interface StoredSecret {
  /** SHA-256 of the secret */
  readonly hash: Uint8Array;
  /** the secret under the master key; undefined where the tenant shows secrets once */
  readonly sealed: Uint8Array | undefined;
}

/** An application as it is stored. */
export interface Application {
  readonly key: ApplicationKey;
  readonly isManaged: boolean;
  readonly classification: string;
  readonly clientId: string;
  readonly secret: StoredSecret | undefined;
  readonly settings: ApplicationSettings;
  /** tokens issued before this second are dead */
  readonly tokensValidAfter: number;
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** A row of the table. */
export interface ApplicationRow {
  readonly tenant_id: string;
  readonly realm_id: string;
  readonly application_id: string;
  readonly display_name: string;
  readonly is_managed: boolean;
  readonly classification: string;
  readonly resource_server_id: string | null;
  readonly authenticator_config_id: string | null;
  readonly client_id: string;
  readonly client_secret_hash: Buffer | null;
  readonly client_secret_sealed: Buffer | null;
  readonly target_realm: string;
  readonly protocol_config: ApplicationSettings["protocol_config"];
  readonly may_be_exchanged_by: string[];
  readonly tokens_valid_after: number;
  readonly version: number;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
}

/** Translates a row of the table. */
export function toApplication(row: ApplicationRow): Application {
  const hash = row.client_secret_hash;
  return {
    key: { tenantId: row.tenant_id, realmId: row.realm_id, applicationId: row.application_id },
    isManaged: row.is_managed,
    classification: row.classification,
    clientId: row.client_id,
    secret: hash === null ? undefined : { hash, sealed: row.client_secret_sealed ?? undefined },
    settings: {
      display_name: row.display_name,
      ...(row.resource_server_id === null ? {} : { resource_server_id: row.resource_server_id }),
      ...(row.authenticator_config_id === null ? {} : { authenticator_config_id: row.authenticator_config_id }),
      target_realm: row.target_realm,
      may_be_exchanged_by: row.may_be_exchanged_by,
      protocol_config: row.protocol_config,
    },
    tokensValidAfter: row.tokens_valid_after,
    version: row.version,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}
