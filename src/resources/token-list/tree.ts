import { notFound } from "../../http/management-error.ts";
import { formatPageToken, readPageQuery } from "../../http/pagination.ts";
import type { ApplicationKey } from "../../protocol/client-metadata.ts";
import { findCauseOfDeath, findCauseOfGrantDeath } from "../../protocol/token-state.ts";
import type { Call, Outcome } from "../call.ts";
import type { GrantFacts } from "../grant/queries.ts";
import { reads } from "../operations.ts";
import { readTokens, type TokenFacts } from "../token/queries.ts";
import { type FoundToken, findToken, parentOf } from "./find-token.ts";
import { findPathApplication, TOKEN_PAGE_SIZES, TOKENS } from "./path.ts";
import { type Descendant, listDescendants } from "./queries.ts";
import { TokenTree, type TokenTreeNode, TokenTreeQuery } from "./schema.ts";

/** What descends from a token (settled 3). */
export const TOKEN_TREE_OPERATION = reads(
  {
    name: "GetTokenTree",
    method: "GET",
    path: `${TOKENS}/{token_id}/tree`,
    tag: "Tokens",
    summary:
      "Shows what descends from a token or a refresh token's grant: what was refreshed and exchanged from it, by any application of the realm, each with its parent, until when it lives, or why it is dead.",
    scopes: ["tokens:read"],
    query: TokenTreeQuery,
    answer: TokenTree,
  },
  showTree,
);

/** Where a tree begins. */
interface Top {
  readonly node: TokenTreeNode;
  /** under which the whole tree that it is part of is found */
  readonly rootId: string;
}

async function showTree(call: Call<TokenTreeQuery, unknown>): Promise<Outcome<TokenTree>> {
  const { deps, db, query } = call;
  const { key, now } = await findPathApplication(call);
  const { token_id: id = "" } = call.request.parameters;
  const found = await findToken(call, { ...key, id });
  if (found === undefined) throw notFound("Token", id);
  const top = topOf(found, now);
  const question = [key.tenantId, key.realmId, key.applicationId, id];
  const realNow = deps.clock.nowSeconds();
  const { position, pageSize } = readPageQuery(query, { question, sizes: TOKEN_PAGE_SIZES, now: realNow });
  const { descendants, next } = await listDescendants(
    db,
    { ...key, id, rootId: top.rootId },
    { after: position?.after, limit: pageSize },
  );
  const nodes = await describeAll(call, key, { descendants, now });
  const nextPage = next === undefined ? undefined : { after: next, pageSize, totalSize: 0, totalIsEstimated: true };
  const value = {
    tokens: [...(position === undefined ? [top.node] : []), ...nodes],
    ...(nextPage === undefined ? {} : { next_page_token: formatPageToken(nextPage, question, realNow) }),
  };
  return { value };
}

function topOf({ kind, row }: FoundToken, now: number): Top {
  if (kind === "refresh") return { node: describeGrant(row, now), rootId: row.id };
  return { node: describeToken(row, now), rootId: row.grantId ?? row.ancestorIds.at(-1) ?? row.id };
}

async function describeAll(
  { db }: Call<unknown, unknown>,
  { tenantId, realmId }: ApplicationKey,
  { descendants, now }: { readonly descendants: readonly Descendant[]; readonly now: number },
): Promise<readonly TokenTreeNode[]> {
  if (descendants.length === 0) return [];
  const readings = await readTokens(
    db,
    descendants.map(({ id }) => ({ tenantId, realmId, id })),
  );
  return descendants.map((one, n) => {
    const facts = readings[n]?.facts;
    return facts === undefined ? describeOrphan(one) : describeToken(facts, now);
  });
}

function describeToken(facts: TokenFacts, now: number): TokenTreeNode {
  return {
    id: facts.id,
    token_type: "access",
    application_id: facts.applicationId,
    grant_type: facts.grantType,
    ...parentOf(facts),
    issued_at: facts.issuedAt,
    expires: facts.expiresAt,
    ...lifeOf(findCauseOfDeath(facts, now)),
  };
}

// The grant stands for its refresh tokens. One that gave none, or none yet, lives for as long as its access tokens may.
function describeGrant(grant: GrantFacts, now: number): TokenTreeNode {
  const expires = grant.refreshExpiresAt ?? grant.endsAt;
  return {
    id: grant.id,
    token_type: "refresh",
    application_id: grant.applicationId,
    issued_at: grant.issuedAt,
    expires,
    ...lifeOf(findCauseOfGrantDeath({ ...grant, endsAt: expires }, now)),
  };
}

/** A row whose application is gone: nothing more is known of it. */
function describeOrphan({ id, applicationId, parentId, issuedAt, expiresAt }: Descendant): TokenTreeNode {
  return {
    id,
    token_type: "access",
    application_id: applicationId,
    parent_id: parentId,
    issued_at: issuedAt,
    expires: expiresAt,
    ...lifeOf("its application was deleted"),
  };
}

function lifeOf(cause: string | undefined): Pick<TokenTreeNode, "alive" | "cause"> {
  return cause === undefined ? { alive: true } : { alive: false, cause };
}
