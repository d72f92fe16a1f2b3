import type { Database } from "../database/database.ts";
import { insertWithPartitions } from "../database/partitions.ts";
import { bucketOf } from "../database/row-id.ts";
import {
  type AuthorizationRequest,
  insertAuthorizationRequest,
  type NewAuthorizationRequest,
} from "./authorization-request/queries.ts";

/** Stores a login where it begins, also where its partition has to be made first. */
export function storeAuthorizationRequest(
  database: Database,
  request: NewAuthorizationRequest,
): Promise<AuthorizationRequest> {
  const db = database.tenants([request.tenantId]);
  const insert = (): Promise<AuthorizationRequest> => insertAuthorizationRequest(db, request);
  return insertWithPartitions(database, "authorization_requests", [bucketOf(request.id)], insert);
}
