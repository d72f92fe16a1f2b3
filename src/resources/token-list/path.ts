import { notFound } from "../../http/management-error.ts";
import type { PageSizes } from "../../http/pagination.ts";
import type { ApplicationKey } from "../../protocol/client-metadata.ts";
import { readClients } from "../application/queries.ts";
import { type Call, readPathId, realmOf } from "../call.ts";

/** Where an application's tokens are. */
export const TOKENS = "/v1/tenants/{tenant}/realms/{realm}/applications/{application}/tokens";
/** The sizes of pages of tokens and of what descends from one. */
export const TOKEN_PAGE_SIZES: PageSizes = { fallback: 100, maximum: 100 };

/**
 * The application that a path names, and its tenant's time in seconds.
 *
 * @throws ManagementError 404
 */
export async function findPathApplication(
  call: Pick<Call<unknown, unknown>, "deps" | "db" | "request" | "caller">,
): Promise<{ readonly key: ApplicationKey; readonly now: number }> {
  const applicationId = readPathId(call.request, { parameter: "application", shape: "uuid", kind: "Application" });
  const key = { ...realmOf(call), applicationId };
  const [live] = await readClients(call.db, [key]);
  if (live === undefined) throw notFound("Application", applicationId);
  return { key, now: call.deps.clock.nowSeconds() + live.clockOffsetSeconds };
}
