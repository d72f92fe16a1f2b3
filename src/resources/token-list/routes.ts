import type { Queryable } from "../../database/database.ts";
import { formatPageToken, type PagePosition, readPageQuery } from "../../http/pagination.ts";
import type { ApplicationKey } from "../../protocol/client-metadata.ts";
import { splitScope } from "../../protocol/scope.ts";
import { type ListPage, pageOf, TOTAL_SIZE } from "../answer-parts.ts";
import type { Call, ManagementParts, Outcome } from "../call.ts";
import { wantRecount } from "../live-count/queries.ts";
import { reads } from "../operations.ts";
import { ONE_TOKEN_OPERATIONS } from "./one-token.ts";
import { findPathApplication, TOKEN_PAGE_SIZES, TOKENS } from "./path.ts";
import { countTokens, type ListedToken, listTokens, type TokenFilter } from "./queries.ts";
import { TokenListQuery, TokenResource } from "./schema.ts";
import { TOKEN_TREE_OPERATION } from "./tree.ts";

/** Settled 13: exact up to here. */
const EXACT_COUNT_MAX = 10_000;

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
  ...ONE_TOKEN_OPERATIONS,
  TOKEN_TREE_OPERATION,
] as const;

async function listPage(call: Call<TokenListQuery, unknown>): Promise<Outcome<ListPage<"tokens", TokenResource>>> {
  const { deps, query } = call;
  const { key, now } = await findPathApplication(call);
  const filter: TokenFilter = { now, principalType: query.principal_type, principalId: query.principal_id };
  const question = [key.tenantId, key.realmId, key.applicationId, query.principal_type ?? "", query.principal_id ?? ""];
  const realNow = deps.clock.nowSeconds();
  const { position, pageSize } = readPageQuery(query, { question, sizes: TOKEN_PAGE_SIZES, now: realNow });
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
