import type { Deps } from "../deps.ts";
import type { HttpRequest } from "../http/route.ts";
import { readSessionCookie } from "../http/session-cookie.ts";
import { equalBytes, sha256 } from "../platform/hash.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import { findSession, type Session } from "./session/queries.ts";

/** The session that this browser proves to have in the realm, whatever became of it. */
export async function readBrowserSession(
  { config, database }: Pick<Deps, "config" | "database">,
  request: HttpRequest,
  { tenantId, realmId }: RealmKey,
): Promise<Session | undefined> {
  const shown = readSessionCookie(request, { publicUrl: config.publicUrl, realmId });
  if (shown === undefined) return undefined;
  const session = await findSession(database.tenants([tenantId]), { tenantId, realmId, sessionId: shown.sessionId });
  return session !== undefined && equalBytes(sha256(shown.secret), session.secretHash) ? session : undefined;
}
