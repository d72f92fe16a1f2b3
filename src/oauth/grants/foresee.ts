import { withRollBack } from "../../database/roll-back.ts";
import { NO_CLAIMS } from "../../protocol/claims-request.ts";
import { HEX_ID } from "../../protocol/id-grammar.ts";
import { LIFETIME_SECONDS_MAX } from "../../protocol/lifetime.ts";
import { OAuthError, quoteValue } from "../../protocol/oauth-error.ts";
import { formatScope, parseScope } from "../../protocol/scope.ts";
import { findIdentity, type Identity, readRoleScopes } from "../../resources/identity/queries.ts";
import { negotiateScope as negotiateAtAuthorize } from "../../resources/judge-consent.ts";
import { decideSubject } from "../decide-subject.ts";
import { negotiateScope } from "./family.ts";
import type { Authorization, Foreseen, TokenRequest } from "./grant.ts";

// What a preview says in place of a code or a refresh token, which it must not take (rule 28): whom it is about (`subject`, an identity's
// id), what was granted (`granted_scope`), what is left (`remaining_seconds`), what the person chose (`consent_seconds`).

/** A code exchange of a person who has just logged in, asked for `scope`. */
export async function foreseeCode(request: TokenRequest): Promise<Foreseen> {
  const { client } = request.context;
  const identity = await findSubject(request);
  const { identityId } = identity.key;
  const parameters = { scope: request.scope, claims: NO_CLAIMS, prompts: [] };
  const scope = await negotiateAtAuthorize(databaseOf(request), request.context, { parameters, identityId });
  const authorization = { ...(await authorize(request, identity)), scope, parentExpiresAt: undefined };
  return { authorization, ...(client.refresh.enabled && { refreshSeconds: client.refresh.absoluteDurationSeconds }) };
}

/** A refresh of a family that was granted `granted_scope` and ends in `remaining_seconds`. */
export async function foreseeRefresh(request: TokenRequest): Promise<Foreseen> {
  const { client, key } = request.context;
  const remaining = readSeconds(request, "remaining_seconds");
  if (remaining === undefined) throw new OAuthError("invalid_request", "remaining_seconds is missing");
  const granted = parseScope(request.parameters.values.get("granted_scope")) ?? [];
  const identity = await findSubject(request);
  const { resourceServerId } = client;
  const { identityId } = identity.key;
  const held =
    resourceServerId === undefined
      ? new Set<string>()
      : await readRoleScopes(databaseOf(request), key, identityId, resourceServerId);
  const scope = negotiateScope(request, { scope: formatScope(granted), resourceServerId, roleScopes: [...held] });
  const parentExpiresAt = request.now + remaining;
  const authorization = { ...(await authorize(request, identity)), scope, parentExpiresAt };
  return { authorization, ...(client.refresh.rotate && { refreshSeconds: remaining }) };
}

type PersonAllowed = Omit<Authorization, "scope" | "parentExpiresAt">;

async function authorize(request: TokenRequest, identity: Identity): Promise<PersonAllowed> {
  return {
    outcome: "authorized",
    subject: await foreseeSubject(request, identity),
    identityId: identity.key.identityId,
    sessionId: "",
    transactionId: "",
    customClaims: request.customClaims,
    consentSeconds: readSeconds(request, "consent_seconds"),
    facts: {},
  };
}

/** The subject that the person would have; nothing of it is kept. */
function foreseeSubject({ services, context }: TokenRequest, identity: Identity): Promise<string> {
  const { database, random } = services.deps;
  return withRollBack((rollBack) =>
    database.transaction([context.key.tenantId], async (db) =>
      rollBack(await decideSubject({ db, random }, context, identity)),
    ),
  );
}

async function findSubject(request: TokenRequest): Promise<Identity> {
  const identityId = request.parameters.values.get("subject");
  if (identityId === undefined) {
    throw new OAuthError("invalid_request", "subject is missing: the id of the identity that the token would be about");
  }
  const { tenantId, realmId } = request.context.key;
  const isId = HEX_ID.test(identityId);
  const identity = isId ? await findIdentity(databaseOf(request), { tenantId, realmId, identityId }) : undefined;
  if (identity === undefined) throw new OAuthError("invalid_grant", "the identity is unknown");
  if (identity.status !== "active") throw new OAuthError("invalid_grant", "the identity is suspended");
  return identity;
}

function readSeconds({ parameters }: TokenRequest, name: string): number | undefined {
  const raw = parameters.values.get(name);
  if (raw === undefined) return undefined;
  const seconds = /^[1-9][0-9]{0,8}$/.test(raw) ? Number(raw) : Number.POSITIVE_INFINITY;
  if (seconds <= LIFETIME_SECONDS_MAX) return seconds;
  throw new OAuthError(
    "invalid_request",
    `${name} must be whole seconds, from 1 to ${LIFETIME_SECONDS_MAX}; ${quoteValue(raw)} is not`,
  );
}

function databaseOf({ services, context }: TokenRequest) {
  return services.deps.database.tenants([context.key.tenantId]);
}
