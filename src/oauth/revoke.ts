import type { HttpReply, HttpRequest, Route } from "../http/route.ts";
import { atIssuers } from "./at-issuer.ts";
import { findPresentedApplication } from "./find-client.ts";
import { readHolderRequest } from "./held-token.ts";
import { recordRefusals } from "./record-refusals.ts";
import type { Services } from "./services.ts";
import { tenantNow } from "./tenant-now.ts";

/** POST revoke (RFC 7009). */
export function revokeRoutes(services: Services): readonly Route[] {
  return [
    ...atIssuers(services, {
      name: "revoke",
      method: "POST",
      path: "/revoke",
      kind: "auth",
      findApplication: findPresentedApplication(services),
      handle: recordRefusals(services, "revoke", (request) => handleRevoke(services, request)),
    }),
  ];
}

async function handleRevoke(services: Services, request: HttpRequest): Promise<HttpReply> {
  const { context, facts, held } = await readHolderRequest(services, request);
  if (held !== undefined) {
    const { clock } = services.deps;
    await services.revoke({
      ...context.key,
      applicationId: held.row.applicationId,
      // Any refresh token of a family ends it, a spent one too (rule 13).
      id: held.row.id,
      at: tenantNow(services, held.row),
      atMs: clock.nowMs(),
      reason: "revoked",
      traceId: request.traceId,
      kind: "revoke",
      outcome: "revoked",
      facts,
    });
  }
  // RFC 7009 section 2.2: unknown, foreign and dead tokens are answered alike.
  return { status: 200, headers: { "cache-control": "no-store", pragma: "no-cache" } };
}
