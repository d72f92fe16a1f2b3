import { sha256 } from "../../platform/hash.ts";
import { decideRefresh, type RefreshDecision } from "../../protocol/family.ts";
import { OAuthError } from "../../protocol/oauth-error.ts";
import { parseRefreshToken, verifyRefreshMac } from "../../protocol/opaque-token.ts";
import type { GrantFacts } from "../../resources/grant/queries.ts";
import { advanceTo, familyOf, findOwnGrant, negotiateScope } from "./family.ts";
import { foreseeRefresh } from "./foresee.ts";
import type { Authorization, Grant, RefreshPlan, TokenRequest } from "./grant.ts";

/** RFC 6749 section 6 with rotation, reuse detection and a grace window (rules 3 and 4). */
export const refreshToken: Grant = {
  grantType: "refresh_token",
  isAllowed: (client) => client.refresh.enabled && client.grantTypes.includes("authorization_code"),
  authorize: async (request) => {
    const sent = request.parameters.values.get("refresh_token");
    if (sent === undefined) throw new OAuthError("invalid_request", "refresh_token is missing");
    const parsed = parseRefreshToken(sent);
    if (parsed === undefined) throw new OAuthError("invalid_grant", "the refresh token is not one of ours");
    const { tenant, client } = request.context;
    const macKey = request.services.openRefreshKey(tenant.tenantId, tenant.refreshKeySealed);
    if (!verifyRefreshMac(parsed, [macKey]))
      throw new OAuthError("invalid_grant", "the refresh token is not authentic");
    const grant = await findOwnGrant(request, parsed);
    const decision = decideRefresh(familyOf(grant), {
      generation: parsed.generation,
      hash: sha256(sent),
      now: request.now,
      rotate: client.refresh.rotate,
      graceSeconds: client.refresh.graceSeconds,
    });
    if (decision.action === "refuse")
      throw new OAuthError("invalid_grant", decision.detail, { facts: { grant_id: grant.id } });
    if (decision.action === "reuse")
      return { outcome: "reuse", grant, reason: "refresh_reuse", detail: decision.detail };
    return authorizeRefresh(request, grant, { decision, macKey, generation: parsed.generation });
  },
  foresee: foreseeRefresh,
};

interface Accepted {
  readonly decision: Exclude<RefreshDecision, { action: "refuse" | "reuse" }>;
  readonly macKey: Uint8Array;
  readonly generation: number;
}

function authorizeRefresh(request: TokenRequest, grant: GrantFacts, accepted: Accepted): Authorization {
  const { decision } = accepted;
  const refreshExpiresAt = grant.refreshExpiresAt ?? request.now;
  const refresh: RefreshPlan | undefined =
    decision.action === "keep"
      ? undefined
      : { generation: decision.generation, expiresAt: refreshExpiresAt, macKey: accepted.macKey };
  // Reference 1.7: custom claims are carried over; new ones replace them.
  const customClaims = request.customClaims ?? grant.customClaims;
  return {
    outcome: "authorized",
    subject: grant.subject,
    scope: negotiateScope(request, grant),
    identityId: grant.identityId,
    sessionId: grant.sessionId,
    transactionId: grant.transactionId,
    customClaims,
    parentExpiresAt: refreshExpiresAt,
    consentSeconds: grant.consentMaxSeconds,
    grant,
    refresh,
    advance: advanceOf(request, grant, { decision, customClaims }),
    rememberClaims: decision.action === "keep" && customClaims !== grant.customClaims,
    facts: { grant_id: grant.id, generation: accepted.generation, refresh: decision.action },
  };
}

// A token that is kept spends nothing, so that any number of workers may use it at once.
function advanceOf(
  request: TokenRequest,
  grant: GrantFacts,
  accepted: Pick<Accepted, "decision"> & { readonly customClaims: string | undefined },
): Authorization["advance"] {
  const { decision, customClaims } = accepted;
  if (decision.action === "keep") return undefined;
  return (made) => {
    const state = made === undefined ? familyOf(grant) : decision.next(made.hash);
    return advanceTo(grant, state, { now: request.now, suffix: made?.suffix, customClaims });
  };
}
