import type { Queryable } from "../../database/database.ts";
import { notFound } from "../../http/management-error.ts";
import { formatPageToken, type PagePosition, parsePageToken, readPageSize } from "../../http/pagination.ts";
import { createRevocationMeter } from "../../http/revocation-meter.ts";
import { isLivePartitionRange } from "../../protocol/bucket.ts";
import type { ApplicationKey } from "../../protocol/client-metadata.ts";
import { splitScope } from "../../protocol/scope.ts";
import { decodeId, ID_KINDS } from "../../protocol/token-id.ts";
import { type ListPage, pageOf, TOTAL_SIZE } from "../answer-parts.ts";
import { findApplication, readClients } from "../application/queries.ts";
import { readSecretRulesOf } from "../application-place/queries.ts";
import { authoritiesOf, demandCover } from "../authority/rules.ts";
import { type Call, type ManagementParts, type Outcome, readPathId, realmOf } from "../call.ts";
import { demandPowerOver } from "../demand-power.ts";
import { readGrants } from "../grant/queries.ts";
import { wantRecount } from "../live-count/queries.ts";
import { acts, reads } from "../operations.ts";
import { endsFamily, type Revocation, revokeAs, revokeGrants, revokeTokens } from "../revocation/queries.ts";
import { readTokens, type TokenFacts, type TokenKey } from "../token/queries.ts";
import { countTokens, type ListedToken, listTokens, type TokenFilter } from "./queries.ts";
import { TokenListQuery, TokenResource } from "./schema.ts";

const PAGE_SIZE_MAX = 100;
/** Settled 13: exact up to here. */
const EXACT_COUNT_MAX = 10_000;
const TOKENS = "/v1/tenants/{tenant}/realms/{realm}/applications/{application}/tokens";

/** The token list and revocation by id (reference 1.12). */
export const TOKEN_OPERATIONS = [
  reads(
    {
      name: "ListTokens",
      method: "GET",
      path: TOKENS,
      tag: "Tokens",
      summary: "Lists the live tokens of an application, newest first.",
      scopes: ["tokens:read"],
      query: TokenListQuery,
      answer: pageOf("tokens", TokenResource),
      headers: { "x-total-size": TOTAL_SIZE },
    },
    listPage,
  ),
  acts(
    {
      name: "RevokeToken",
      method: "DELETE",
      path: `${TOKENS}/{token_id}`,
      tag: "Tokens",
      summary:
        "Ends a token, or a refresh token with its family. One that is dead or was never there is answered the same.",
      scopes: ["tokens:delete"],
    },
    async (call) => {
      await revoke(call);
      return { value: undefined };
    },
  ),
] as const;

async function listPage(call: Call<TokenListQuery, unknown>): Promise<Outcome<ListPage<"tokens", TokenResource>>> {
  const { deps, query } = call;
  const { key, now } = await findPathApplication(call);
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
    position ?? countTotal(call, db, { key, filter }),
  ]);
  const { totalSize, totalIsEstimated } = total;
  const nextPage = next === undefined ? undefined : { after: next, pageSize, totalSize, totalIsEstimated };
  const value = {
    tokens: tokens.map(toResource),
    total_size: totalSize,
    ...(nextPage === undefined ? {} : { next_page_token: formatPageToken(nextPage, question, realNow) }),
  };
  return { value, ...(totalIsEstimated ? { headers: { "x-total-size": "estimated" } } : {}) };
}

type Total = Pick<PagePosition, "totalSize" | "totalIsEstimated">;

// Settled 13. A principal's tokens are not counted apart: of many it is only known that they are at least so many.
async function countTotal(
  { deps, liveTokens }: ManagementParts,
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

async function revoke(call: Call<unknown, unknown>): Promise<void> {
  const { deps, db, request, caller, liveTokens, nowMs } = call;
  const { key, now } = await findPathApplication(call);
  const { token_id: id = "" } = request.parameters;
  const parts = decodeId(id);
  if (parts === undefined || !isLivePartitionRange(parts.bucket, deps.clock.nowSeconds())) return;
  const holder = await findHolder(db, { ...key, id }, parts.kind);
  if (holder?.applicationId !== key.applicationId) return;
  await demandHolder(call, { ...key, identityId: holder.identityId });
  const revocation: Revocation = {
    ...key,
    id,
    at: now,
    atMs: nowMs,
    reason: "revoked",
    traceId: request.traceId,
    kind: "revoke",
    outcome: "revoked",
    facts: { by: "an administrator", application_id: caller.applicationId, subject: caller.subject },
  };
  const end = endsFamily(revocation) ? revokeGrants : revokeTokens;
  liveTokens.remove(await revokeAs(deps.database, [revocation], end));
  createRevocationMeter(deps)(request.traceId);
}

type Holder = Pick<TokenFacts, "applicationId" | "identityId">;

async function findHolder(db: Queryable, row: TokenKey, kind: number): Promise<Holder | undefined> {
  if (kind === ID_KINDS.access) return (await readTokens(db, [row]))[0]?.facts;
  if (kind === ID_KINDS.grant) return (await readGrants(db, [row]))[0];
  return undefined;
}

// Rule 1: who ends a token could do all that the person may do whose it is, or without one its client.
async function demandHolder(
  { db, caller }: Call<unknown, unknown>,
  { identityId, ...key }: ApplicationKey & Pick<Holder, "identityId">,
): Promise<void> {
  if (identityId !== undefined) return demandPowerOver({ db, caller }, key, { identityIds: [identityId] });
  const [application, rules] = await Promise.all([findApplication(db, key), readSecretRulesOf(db, key)]);
  demandCover(caller, application === undefined ? [] : authoritiesOf(application, rules));
}

async function findPathApplication(
  call: Pick<Call<unknown, unknown>, "deps" | "db" | "request" | "caller">,
): Promise<{ readonly key: ApplicationKey; readonly now: number }> {
  const applicationId = readPathId(call.request, { parameter: "application", shape: "uuid", kind: "Application" });
  const key = { ...realmOf(call), applicationId };
  const [live] = await readClients(call.db, [key]);
  if (live === undefined) throw notFound("Application", applicationId);
  return { key, now: call.deps.clock.nowSeconds() + live.clockOffsetSeconds };
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
