import type { Queryable } from "../../database/database.ts";
import type { Deps } from "../../deps.ts";
import { notFound } from "../../http/management-error.ts";
import { formatPageToken, type PagePosition, parsePageToken, readPageSize } from "../../http/pagination.ts";
import { parseQueryOf } from "../../http/query.ts";
import { createRevocationMeter } from "../../http/revocation-meter.ts";
import {
  applicationKeyOf,
  callerOf,
  type HttpReply,
  type HttpRequest,
  jsonReply,
  type Route,
} from "../../http/route.ts";
import { isLivePartitionRange } from "../../protocol/bucket.ts";
import type { ApplicationKey } from "../../protocol/client-metadata.ts";
import { splitScope } from "../../protocol/scope.ts";
import { decodeId, ID_KINDS } from "../../protocol/token-id.ts";
import { readClients } from "../application/queries.ts";
import { readGrants } from "../grant/queries.ts";
import { wantRecount } from "../live-count/queries.ts";
import type { LiveCountRecorder } from "../live-count/recorder.ts";
import { endsFamily, type Revocation, revokeAs, revokeGrants, revokeTokens } from "../revocation/queries.ts";
import { readTokens, type TokenKey } from "../token/queries.ts";
import { countTokens, type ListedToken, listTokens, type TokenFilter } from "./queries.ts";
import { TokenListQuery, type TokenResource } from "./schema.ts";

const PAGE_SIZE_MAX = 100;
/** Settled 13: exact up to here. */
const EXACT_COUNT_MAX = 10_000;
const PATH = "/v1/tenants/:tenant/realms/:realm/applications/:application/tokens";

/** The token list and revocation by id (reference 1.12). */
export function tokenResourceRoutes(deps: Deps, liveTokens: LiveCountRecorder): readonly Route[] {
  return [
    {
      name: "ListTokens",
      method: "GET",
      path: PATH,
      kind: "management",
      scopes: ["tokens:read"],
      schema: { querystring: TokenListQuery },
      handle: (request) => handleList({ deps, liveTokens }, request),
    },
    {
      name: "RevokeToken",
      method: "DELETE",
      path: `${PATH}/:token`,
      kind: "management",
      scopes: ["tokens:delete"],
      handle: (request) => handleRevoke({ deps, liveTokens }, request),
    },
  ];
}

interface Parts {
  readonly deps: Deps;
  readonly liveTokens: LiveCountRecorder;
}

async function handleList(parts: Parts, request: HttpRequest): Promise<HttpReply> {
  const { deps } = parts;
  const { key, now } = await findPathApplication(deps, request);
  const query = parseQueryOf(request, TokenListQuery);
  const filter: TokenFilter = { now, principalType: query.principal_type, principalId: query.principal_id };
  const question = [key.tenantId, key.realmId, key.applicationId, query.principal_type ?? "", query.principal_id ?? ""];
  const realNow = deps.clock.nowSeconds();
  const position = query.page_token === undefined ? undefined : parsePageToken(query.page_token, question, realNow);
  const sizes = { fallback: PAGE_SIZE_MAX, maximum: PAGE_SIZE_MAX };
  // Page tokens are not signed: what one says of the size is bounded like what a query says.
  const keptSize = Math.max(1, Math.min(position?.pageSize ?? PAGE_SIZE_MAX, PAGE_SIZE_MAX));
  const pageSize = readPageSize(query.page_size, sizes) ?? keptSize;
  const db = deps.database.recent([key.tenantId]);
  const [{ tokens, next }, total] = await Promise.all([
    listTokens(db, key, filter, { after: position?.after, limit: pageSize }),
    position ?? countTotal(parts, db, { key, filter }),
  ]);
  const { totalSize, totalIsEstimated } = total;
  const nextPage = next === undefined ? undefined : { after: next, pageSize, totalSize, totalIsEstimated };
  const body = {
    tokens: tokens.map(toResource),
    total_size: totalSize,
    ...(nextPage === undefined ? {} : { next_page_token: formatPageToken(nextPage, question, realNow) }),
  };
  return jsonReply(200, body, totalIsEstimated ? { "x-total-size": "estimated" } : {});
}

type Total = Pick<PagePosition, "totalSize" | "totalIsEstimated">;

// Settled 13. A principal's tokens are not counted apart: of many it is only known that they are at least so many.
async function countTotal(
  { deps, liveTokens }: Parts,
  db: Queryable,
  asked: { readonly key: ApplicationKey; readonly filter: TokenFilter },
): Promise<Total> {
  const { key, filter } = asked;
  const { size, isCut } = await countTokens(db, key, filter, EXACT_COUNT_MAX + 1);
  if (size <= EXACT_COUNT_MAX && !isCut) return { totalSize: size, totalIsEstimated: false };
  const isFiltered = filter.principalType !== undefined || filter.principalId !== undefined;
  const estimate = isFiltered ? 0 : await liveTokens.count(key);
  if (estimate < size && !isFiltered) {
    // Then the count is wrong: what was loaded around the server was never counted.
    await wantRecount(deps.database.tenants([key.tenantId]), [key.tenantId], deps.clock.nowMs());
  }
  return { totalSize: Math.max(size, estimate), totalIsEstimated: true };
}

async function handleRevoke({ deps, liveTokens }: Parts, request: HttpRequest): Promise<HttpReply> {
  const { key, now } = await findPathApplication(deps, request);
  const { token: id = "" } = request.parameters;
  const parts = decodeId(id);
  const db = deps.database.tenants([key.tenantId]);
  const done: HttpReply = { status: 200, headers: { "cache-control": "no-store" } };
  if (parts === undefined || !isLivePartitionRange(parts.bucket, deps.clock.nowSeconds())) return done;
  const owner = await findOwner(db, { ...key, id }, parts.kind);
  if (owner !== key.applicationId) return done;
  const caller = callerOf(request);
  const revocation: Revocation = {
    ...key,
    id,
    at: now,
    atMs: deps.clock.nowMs(),
    reason: "revoked",
    traceId: request.traceId,
    kind: "revoke",
    outcome: "revoked",
    facts: { by: "an administrator", application_id: caller.applicationId, subject: caller.subject },
  };
  const revoke = endsFamily(revocation) ? revokeGrants : revokeTokens;
  liveTokens.remove(await revokeAs(deps.database, [revocation], revoke));
  createRevocationMeter(deps)(request.traceId);
  return done;
}

async function findOwner(db: Queryable, row: TokenKey, kind: number): Promise<string | undefined> {
  if (kind === ID_KINDS.access) return (await readTokens(db, [row]))[0]?.facts?.applicationId;
  if (kind === ID_KINDS.grant) return (await readGrants(db, [row]))[0]?.applicationId;
  return undefined;
}

async function findPathApplication(deps: Deps, request: HttpRequest): Promise<{ key: ApplicationKey; now: number }> {
  const { application = "" } = request.parameters;
  const key = applicationKeyOf(request);
  if (key === undefined) throw notFound("Application", application);
  const [live] = await readClients(deps.database.tenants([key.tenantId]), [key]);
  if (live === undefined) throw notFound("Application", application);
  return { key, now: deps.clock.nowSeconds() + live.clockOffsetSeconds };
}

function toResource(token: ListedToken): TokenResource {
  return {
    id: token.id,
    display_name: token.displayName,
    scopes: [...splitScope(token.scope)],
    token_suffix: token.tokenSuffix,
    token_format: token.selfContained ? "self_contained" : "referential",
    expires: token.expiresAt,
    issued_at: token.issuedAt,
    token_type: token.kind,
  };
}
