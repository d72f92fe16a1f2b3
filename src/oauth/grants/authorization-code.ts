import { equalBytes, sha256 } from "../../platform/hash.ts";
import { decideCode, type FamilyState } from "../../protocol/family.ts";
import { OAuthError } from "../../protocol/oauth-error.ts";
import { parseOpaqueToken } from "../../protocol/opaque-token.ts";
import { type PkceChallenge, unboundRedirectUriAllowed, verifyPkce } from "../../protocol/pkce.ts";
import type { GrantFacts } from "../../resources/grant/queries.ts";
import { advanceTo, familyOf, findOwnGrant, negotiateScope } from "./family.ts";
import { foreseeCode } from "./foresee.ts";
import type { Authorization, Grant, RefreshPlan, TokenRequest } from "./grant.ts";

/** RFC 6749 section 4.1.3 with PKCE (RFC 7636): a code, bound to client, redirect URI and verifier, becomes tokens once. */
export const authorizationCode: Grant = {
  grantType: "authorization_code",
  isAllowed: (client) => client.grantTypes.includes("authorization_code"),
  authorize: async (request) => {
    const code = request.parameters.values.get("code");
    if (code === undefined) throw new OAuthError("invalid_request", "code is missing");
    const parsed = parseOpaqueToken(code);
    if (parsed?.kind !== "code") throw new OAuthError("invalid_grant", "the code is not one of ours");
    const grant = await findOwnGrant(request, parsed);
    const state = familyOf(grant);
    const decision = decideCode(state, {
      hashMatches: equalBytes(sha256(code), grant.codeHash),
      expiresAt: grant.codeExpiresAt,
      mismatch: findMismatch(request, grant),
      now: request.now,
    });
    if (decision.action === "refuse")
      throw new OAuthError("invalid_grant", decision.detail, { facts: { grant_id: grant.id } });
    if (decision.action === "reuse") return { outcome: "reuse", grant, reason: "code_reuse", detail: decision.detail };
    return authorizeCode(request, grant, decision.next);
  },
  foresee: foreseeCode,
};

type AfterCode = (refresh?: { readonly hash: Uint8Array; readonly expiresAt: number }) => FamilyState;

function authorizeCode(request: TokenRequest, grant: GrantFacts, next: AfterCode): Authorization {
  const { client } = request.context;
  const refresh = planRefresh(request, grant);
  const customClaims = request.customClaims;
  return {
    outcome: "authorized",
    subject: grant.subject,
    scope: negotiateScope(request, grant),
    identityId: grant.identityId,
    sessionId: grant.sessionId,
    transactionId: grant.transactionId,
    customClaims,
    // The grant's row is kept until ends_at. Only a configuration raised since the login makes this the smallest ceiling.
    parentExpiresAt: grant.endsAt - request.now < client.expiresAfterSeconds ? grant.endsAt : undefined,
    consentSeconds: grant.consentMaxSeconds,
    grant,
    refresh,
    advance: (made) => {
      const first =
        made === undefined || refresh === undefined ? undefined : { hash: made.hash, expiresAt: refresh.expiresAt };
      return advanceTo(grant, next(first), { now: request.now, suffix: made?.suffix, customClaims });
    },
    nonce: grant.nonce,
    facts: {
      grant_id: grant.id,
      redirect_uri: withoutQuery(grant.redirectUri),
      pkce: grant.codeChallengeMethod ?? "none",
    },
  };
}

function planRefresh(request: TokenRequest, grant: GrantFacts): RefreshPlan | undefined {
  const { client, tenant } = request.context;
  const { absoluteDurationSeconds, enabled } = client.refresh;
  // What the person agreed to is a ceiling here as well (decision 38): of no renewal at all, where there was none to agree to.
  const seconds = Math.min(absoluteDurationSeconds, grant.consentRenewalSeconds ?? absoluteDurationSeconds);
  if (!enabled || seconds === 0) return undefined;
  return {
    generation: 1,
    expiresAt: Math.min(request.now + seconds, grant.endsAt),
    macKey: request.services.openRefreshKey(tenant.tenantId, tenant.refreshKeySealed),
  };
}

// In the order of rule 5: owner and expiry are judged elsewhere; redirect URI, then verifier.
function findMismatch(request: TokenRequest, grant: GrantFacts): string | undefined {
  const challenge = challengeOf(grant);
  const sent = request.parameters.values.get("redirect_uri");
  if (sent !== undefined && sent !== grant.redirectUri) return "redirect_uri differs from the one sent to authorize";
  const { confidentiality } = request.context.client;
  if (
    sent === undefined &&
    !unboundRedirectUriAllowed({ challenge, confidentiality, soleRedirectUriAtIssue: grant.redirectUriOptional })
  ) {
    return "redirect_uri is missing";
  }
  try {
    verifyPkce({ challenge, verifier: request.codeVerifier });
    return undefined;
  } catch (error) {
    if (error instanceof OAuthError) return error.detail;
    throw error;
  }
}

function challengeOf(grant: GrantFacts): PkceChallenge | undefined {
  if (grant.codeChallenge === undefined) return undefined;
  return { value: grant.codeChallenge, method: grant.codeChallengeMethod === "plain" ? "plain" : "S256" };
}

// Rule 24: a query may carry anything.
function withoutQuery(uri: string): string {
  return uri.split(/[?#]/)[0] ?? "";
}
