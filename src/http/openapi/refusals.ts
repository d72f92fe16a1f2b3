import { type ManagementErrorCode, statusOfCode } from "../management-error.ts";
import type { Operation } from "../operation.ts";

/** What every operation may answer: its caller is judged, its request read, and the server may not be able to. */
const COMMON = [
  ...["bad_request", "unauthorized", "forbidden", "not_found", "too_many_requests"],
  ...["internal_server_error", "service_unavailable"],
] as const satisfies readonly ManagementErrorCode[];

/** Every error that an operation may answer with, by rising status. */
export function refusalsOf(operation: Operation): readonly ManagementErrorCode[] {
  const { body, text, method, isCreate, isVersioned, refusals = [] } = operation;
  const codes = new Set<ManagementErrorCode>([...COMMON, ...refusals]);
  if (isCreate === true) codes.add("conflict"); // an Idempotency-Key of another request
  if (isVersioned === true && method !== "GET") codes.add("precondition_failed");
  if (body !== undefined || text !== undefined) codes.add("payload_too_large");
  if (body !== undefined) codes.add("unsupported_media_type");
  if (operation.isPublic === true) for (const code of ["unauthorized", "forbidden"] as const) codes.delete(code);
  return [...codes].sort((one, other) => statusOfCode(one) - statusOfCode(other));
}
