import type { GrantType } from "../protocol/access-token.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import type { NewToken } from "../resources/token-issue/queries.ts";
import type { Authorization, TokenRequest } from "./grants/grant.ts";

/**
 * Refuses a token that would pass a quota of live tokens, before anything is spent (rule 37). Who manages the tenant, and who only
 * goes on with a login, may use the reserve.
 *
 * @throws OAuthError 429 `temporarily_unavailable`
 */
export async function checkQuotas(request: TokenRequest, grantType: GrantType): Promise<void> {
  const { key, quotas, resourceServer } = request.context;
  const { clockOffsetSeconds } = request.basis.live;
  const mayUseReserve = resourceServer?.isManaged === true || grantType === "refresh_token";
  const refusal = await request.services.liveTokens.findRefusal(key, { quotas, mayUseReserve, clockOffsetSeconds });
  if (refusal === undefined) return;
  const { quota, maximum, live, retryAfterSeconds } = refusal;
  throw new OAuthError("temporarily_unavailable", `this ${quota} has as many live tokens as it may have`, {
    status: 429,
    retryAfterSeconds,
    facts: { quota, max_live_tokens: maximum, live_tokens: live },
  });
}

/** Counts what was issued: the access token, and the refresh family that a code has just begun. */
export function countIssued(request: TokenRequest, authorization: Authorization, token: NewToken): void {
  const periods = [{ issuedAt: token.issuedAt, endsAt: token.expiresAt }];
  const { refresh, grant } = authorization;
  const isNewFamily = refresh !== undefined && grant?.codeSpentAt === undefined;
  if (isNewFamily) periods.push({ issuedAt: request.now, endsAt: refresh.expiresAt });
  request.services.liveTokens.add(request.context.key, periods);
  request.services.tokenUsage.issued(token);
}
