import type { Row } from "../database/database.ts";
import type { ApplicationKey } from "../protocol/client-metadata.ts";

/** The application that a row belongs to, of a statement that returns these three columns. */
export function applicationKeyOfRow(row: Row): ApplicationKey {
  return { tenantId: String(row.tenant_id), realmId: String(row.realm_id), applicationId: String(row.application_id) };
}
