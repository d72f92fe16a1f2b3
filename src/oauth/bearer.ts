import { type Caller, describeCaller } from "../http/caller.ts";
import { ManagementError } from "../http/management-error.ts";
import { type HttpRequest, headerOf } from "../http/route.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import { HEX_ID } from "../protocol/id-grammar.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import type { RequestParameters } from "../protocol/parameters.ts";
import { intersectLive, splitScope } from "../protocol/scope.ts";
import { findCauseOfDeath } from "../protocol/token-state.ts";
import { narrowRealm, type TokenFacts } from "../resources/token/queries.ts";
import { findCauseToRefuse } from "./accept-token.ts";
import { findPresentedToken, readJwtPayload } from "./presented-token.ts";
import type { Services } from "./services.ts";
import { tenantNow } from "./tenant-now.ts";

const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i;

/** The token of an `Authorization: Bearer` header (RFC 6750 section 2.1), or undefined when there is none. */
export function readBearer(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : BEARER.exec(authorization)?.[1];
}

/**
 * The caller of a management route: its token judged as introspection would at this moment (rule 7), named for the built-in
 * resource server and of the tenant in the path (rule 8).
 *
 * @throws ManagementError 401 for no live token of ours, 403 for another tenant
 */
export async function authenticateCaller(services: Services, request: HttpRequest): Promise<Caller> {
  const presented = readBearer(headerOf(request, "authorization"));
  if (presented === undefined) throw unauthorized("");
  const { tenant = "" } = request.parameters;
  // Which tenant a JWT names only decides whether the answer is 401 or 403: nothing is granted on it.
  const named = readJwtPayload(presented)?.bi_t;
  if (typeof named === "string" && named !== tenant) {
    const elsewhere = await findManagementCaller(services, { tenantId: named, text: presented }, look);
    if (elsewhere !== undefined) throw new ManagementError("forbidden", "forbidden");
  }
  const caller = await findManagementCaller(services, { tenantId: tenant, text: presented }, findCauseToRefuse);
  if (caller === undefined) throw unauthorized(' error="invalid_token"');
  return caller;
}

/** Why a token is refused; undefined where it is not. */
type Judge = (services: Services, token: TokenFacts) => Promise<string | undefined> | string | undefined;

/** Whether a token is alive: nothing is done with it. */
const look: Judge = (services, token) => findCauseOfDeath(token, tenantNow(services, token));

/** The same for a request that is under way since its token was accepted: that was its use (rule 17). */
const lookAgain: Judge = (services, token) => look(services, { ...token, usesLeft: undefined });

/** The caller that a management token of this tenant stands for, if it is judged well; else undefined. */
async function findManagementCaller(
  services: Services,
  presented: { readonly tenantId: string; readonly text: string },
  judge: Judge,
): Promise<Caller | undefined> {
  const { tenantId, text } = presented;
  if (!HEX_ID.test(tenantId)) return undefined;
  const adminRealm = await services.directory.adminRealm(tenantId);
  if (adminRealm === undefined) return undefined;
  const token = await findPresentedToken(services, adminRealm, text);
  if (token === undefined || !token.resourceServerIsManaged) return undefined;
  return (await judge(services, token)) === undefined ? toCaller(token) : undefined;
}

/** What a route that takes client credentials or a bearer token needs to judge the bearer token. */
export interface ScopedBearer {
  readonly realm: RealmKey;
  readonly authorization: string;
  readonly parameters: RequestParameters;
  readonly scope: string;
  /** whether it was accepted for this request before */
  readonly isAccepted?: boolean | undefined;
}

/** Whether a request authenticates by a bearer token. */
export function usesBearer(authorization: string | undefined): authorization is string {
  return authorization !== undefined && /^bearer( |$)/i.test(authorization);
}

/**
 * The caller of an auth route that a management token may call too (rule 9 c, reference 1.12).
 *
 * @throws OAuthError `invalid_request` beside client credentials, `invalid_token`, or `insufficient_scope` without the scope or
 *   the realm
 */
export async function authenticateScopedBearer(services: Services, bearer: ScopedBearer): Promise<Caller> {
  const { realm, parameters, scope } = bearer;
  if (parameters.values.has("client_id") || parameters.values.has("client_secret")) {
    throw new OAuthError("invalid_request", "send a bearer token or client credentials, not both");
  }
  const text = readBearer(bearer.authorization);
  const judge = bearer.isAccepted === true ? lookAgain : findCauseToRefuse;
  const { tenantId } = realm;
  const caller = text === undefined ? undefined : await findManagementCaller(services, { tenantId, text }, judge);
  if (caller === undefined) throw new OAuthError("invalid_token", "the access token is not valid");
  const reaches = caller.targetRealm === "*" || caller.targetRealm === realm.realmId;
  if (!caller.scopes.has(scope) || !reaches) {
    const detail = `this needs the scope ${scope} for this realm`;
    throw new OAuthError("insufficient_scope", detail, { facts: describeCaller(caller) });
  }
  return caller;
}

function toCaller(token: TokenFacts): Caller {
  return {
    tenantId: token.tenantId,
    realmId: token.realmId,
    applicationId: token.applicationId,
    identityId: token.identityId,
    subject: token.subject,
    scopes: new Set(intersectLive(splitScope(token.scope), token.liveScopes).scope),
    // What the token said and what the application has now: the narrower of both (rules 7 and 8).
    targetRealm: narrowRealm(token.targetRealm, token.liveTargetRealm),
  };
}

function unauthorized(challenge: string): ManagementError {
  return new ManagementError("unauthorized", "unauthorized", { headers: { "www-authenticate": `Bearer${challenge}` } });
}
