import { isLivePartitionRange } from "../../protocol/bucket.ts";
import type { FamilyState } from "../../protocol/family.ts";
import { OAuthError } from "../../protocol/oauth-error.ts";
import { negotiateGrantedScope, type ScopeVerdict, splitScope } from "../../protocol/scope.ts";
import { ID_KINDS, type IdParts } from "../../protocol/token-id.ts";
import type { GrantFacts } from "../../resources/grant/queries.ts";
import type { GrantAdvance } from "../../resources/token-issue/queries.ts";
import type { TokenRequest } from "./grant.ts";

/**
 * Loads the grant that a code or refresh token names, if it belongs to the authenticated client and the person behind it may
 * still act.
 *
 * @throws OAuthError `invalid_grant`; nothing is consumed
 */
export async function findOwnGrant(
  request: TokenRequest,
  named: { readonly id: string; readonly idParts: IdParts },
): Promise<GrantFacts> {
  const { context, services } = request;
  const isPossible =
    named.idParts.kind === ID_KINDS.grant &&
    isLivePartitionRange(named.idParts.bucket, services.deps.clock.nowSeconds());
  if (!isPossible) throw new OAuthError("invalid_grant", "no row can have this id");
  const { tenantId, realmId } = context.key;
  const grant = await services.readGrant({ tenantId, realmId, id: named.id });
  const facts = { grant_id: named.id };
  if (grant === undefined) throw new OAuthError("invalid_grant", "the grant is unknown or forgotten", { facts });
  if (grant.applicationId !== context.key.applicationId) {
    throw new OAuthError("invalid_grant", "the grant belongs to another application", { facts });
  }
  if (grant.identityIsDead) throw new OAuthError("invalid_grant", "the identity is suspended or deleted", { facts });
  if (grant.sessionIsOver) throw new OAuthError("invalid_grant", "its session was ended", { facts });
  if (grant.issuedAt < grant.validAfter)
    throw new OAuthError("invalid_grant", "everything issued before was revoked", { facts });
  return grant;
}

/** The family's state as the pure decisions read it. */
export function familyOf(grant: GrantFacts): FamilyState {
  return {
    generation: grant.generation,
    siblings: grant.siblings,
    parentHash: grant.parentHash,
    rotatedAt: grant.rotatedAt,
    codeSpentAt: grant.codeSpentAt,
    revokedAt: grant.revokedAt,
    refreshExpiresAt: grant.refreshExpiresAt,
  };
}

/** The write that takes a grant from the version that was read to a decided state. */
export function advanceTo(
  grant: GrantFacts,
  state: FamilyState,
  change: { readonly now: number; readonly suffix: string | undefined; readonly customClaims: string | undefined },
): GrantAdvance {
  return {
    expectedVersion: grant.version,
    generation: state.generation,
    siblings: state.siblings,
    parentHash: state.parentHash,
    rotatedAt: state.rotatedAt,
    codeSpentAt: state.codeSpentAt,
    refreshIssuedAt: change.suffix === undefined ? grant.refreshIssuedAt : change.now,
    refreshExpiresAt: state.refreshExpiresAt,
    refreshSuffix: change.suffix ?? grant.refreshSuffix,
    customClaims: change.customClaims,
  };
}

/**
 * What of a grant's scope this request gets (rule 33): the part it names, less what application or roles have lost since.
 *
 * @throws OAuthError `invalid_scope` if something is named that was never granted
 */
export function negotiateScope(
  request: TokenRequest,
  grant: Pick<GrantFacts, "scope" | "resourceServerId" | "roleScopes">,
): ScopeVerdict {
  const { client } = request.context;
  // The roles were read for the resource server of the grant. Scopes of the same name at another one are other scopes.
  const isSameServer = grant.resourceServerId === client.resourceServerId;
  return negotiateGrantedScope({
    requested: request.scope,
    granted: splitScope(grant.scope),
    allowedScopes: isSameServer ? client.allowedScopes : [],
    roleScopes: grant.resourceServerId === undefined ? undefined : grant.roleScopes,
  });
}
