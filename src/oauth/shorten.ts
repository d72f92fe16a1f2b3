import { type HttpReply, type HttpRequest, jsonReply, type Route } from "../http/route.ts";
import { parseExpirationTime } from "../protocol/expiration-time.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { refuseInQuery } from "../protocol/parameters.ts";
import { findCauseOfEnd, findFamilyEnd, isOpen } from "../protocol/token-state.ts";
import { atIssuers } from "./at-issuer.ts";
import { findPresentedApplication } from "./find-client.ts";
import { type HeldToken, readHolderRequest } from "./held-token.ts";
import { isLiveRefreshToken } from "./presented-token.ts";
import { recordRefusals } from "./record-refusals.ts";
import type { Services } from "./services.ts";
import { tenantNow } from "./tenant-now.ts";

const NO_STORE = { "cache-control": "no-store", pragma: "no-cache" };

/** POST shorten: its holder gives a token an earlier end, and with it all that descends from it (rule 28). */
export function shortenRoutes(services: Services): readonly Route[] {
  return [
    ...atIssuers(services, {
      name: "shorten",
      method: "POST",
      path: "/shorten",
      kind: "auth",
      findApplication: findPresentedApplication(services),
      handle: recordRefusals(services, "shorten", (request) => handleShorten(services, request)),
    }),
  ];
}

async function handleShorten(services: Services, request: HttpRequest): Promise<HttpReply> {
  refuseInQuery(request.queryString, "expiration_time");
  const { context, parameters, facts, held } = await readHolderRequest(services, request);
  const seconds = parseExpirationTime(parameters.values.get("expiration_time"));
  if (seconds === undefined) throw new OAuthError("invalid_request", "expiration_time is missing");
  // Unknown, foreign and dead tokens are answered alike, as at /revoke.
  if (held === undefined || !canBeShortened(services, held)) return { status: 200, headers: NO_STORE };
  const { id, applicationId } = held.row;
  await services.shorten({
    ...context.key,
    applicationId,
    id,
    until: tenantNow(services, held.row) + seconds,
    atMs: services.deps.clock.nowMs(),
    traceId: request.traceId,
    facts,
  });
  const now = await readAgain(services, held);
  const exp = now && endOf(services, now);
  if (now === undefined || exp === undefined) return { status: 200, headers: NO_STORE };
  return jsonReply(200, { exp, expires_in: exp - tenantNow(services, now.row) }, NO_STORE);
}

function canBeShortened(services: Services, held: HeldToken): boolean {
  const now = tenantNow(services, held.row);
  return held.kind === "access" ? isOpen(held.row, now) : isLiveRefreshToken(held.presented, now);
}

/** When it ends, seconds of tenant time; undefined when it is dead. A refresh token that was rotated meanwhile goes on in its family. */
function endOf(services: Services, held: HeldToken): number | undefined {
  const now = tenantNow(services, held.row);
  if (held.kind === "refresh") return findFamilyEnd(held.row, now);
  return findCauseOfEnd(held.row, now) === undefined ? held.row.expiresAt : undefined;
}

async function readAgain(services: Services, held: HeldToken): Promise<HeldToken | undefined> {
  const { tenantId, realmId, id } = held.row;
  const key = { tenantId, realmId, id };
  if (held.kind === "access") {
    const { facts } = await services.readToken(key);
    return facts && { kind: "access", row: facts };
  }
  const row = await services.readGrant(key);
  return row && { ...held, row };
}
