import { sha256 } from "../platform/hash.ts";
import { chooseAcr } from "../protocol/acr.ts";
import { bucketFor } from "../protocol/bucket.ts";
import type { ClientMetadata } from "../protocol/client-metadata.ts";
import { type GivenConsent, limitToConsent } from "../protocol/consent.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { formatOpaqueToken, SECRET_BYTES } from "../protocol/opaque-token.ts";
import { hasSoleRedirectUri } from "../protocol/redirect-uri.ts";
import { formatScope, type ScopeVerdict } from "../protocol/scope.ts";
import { encodeId, ID_KINDS, ID_RANDOM_BYTES } from "../protocol/token-id.ts";
import type { AuthorizationRequest } from "../resources/authorization-request/queries.ts";
import type { NewGrant } from "../resources/grant/queries.ts";
import { findIdentity, type Identity } from "../resources/identity/queries.ts";
import { negotiateScope } from "../resources/judge-consent.ts";
import { recordedUri } from "./authorize-request.ts";
import { decideSubject, subjectPlaceOf } from "./decide-subject.ts";
import type { LiveApplication } from "./find-live-application.ts";
import type { Services } from "./services.ts";

/** How long a code works, in seconds (reference 1.4; RFC 6749 §4.1.2 says ten minutes at most). */
const CODE_LIFETIME_SECONDS = 60;

/** A grant that is ready to be recorded, and the code that the client will get for it. */
export interface MadeGrant {
  readonly grant: NewGrant;
  readonly code: string;
}

interface FinishedLogin {
  readonly application: LiveApplication;
  readonly stored: AuthorizationRequest;
  readonly traceId: Uint8Array;
}

/**
 * Makes the grant of a person who has logged in: subject, scope and code. Records nothing but the claim on the subject.
 *
 * @throws OAuthError `consent_required` when it was not asked for and must be; `access_denied` when the person cannot have a subject here, or is suspended, or nobody logged in
 */
export async function makeGrant(services: Services, login: FinishedLogin): Promise<MadeGrant> {
  const { application, stored, traceId } = login;
  const { clock, random } = services.deps;
  const { client } = application.context;
  const identity = await findPerson(services, stored);
  const subject = await decideSubject(subjectPlaceOf(services, stored.tenantId), application.context, identity);
  const scope = await decideScope(services, login);
  const lifetime = CODE_LIFETIME_SECONDS + longestLifeOf(client);
  const id = {
    traceId,
    kind: ID_KINDS.grant,
    bucket: bucketFor(clock.nowSeconds(), lifetime), // in real time (settled 5)
    random: random.bytes(ID_RANDOM_BYTES),
  };
  const code = formatOpaqueToken("code", id, random.bytes(SECRET_BYTES));
  const grant = describeGrant(login, { subject, scope: formatScope(scope.scope), identity });
  const { now } = application;
  return {
    code,
    grant: {
      ...grant,
      id: encodeId(id),
      codeHash: sha256(code),
      codeExpiresAt: now + CODE_LIFETIME_SECONDS,
      issuedAt: now,
      endsAt: now + lifetime,
      decision: describeDecision(login, scope),
    },
  };
}

async function findPerson(services: Services, stored: AuthorizationRequest): Promise<Identity> {
  const { identityId } = stored;
  if (identityId === undefined) throw new OAuthError("access_denied", "the person cancelled or failed to log in");
  const db = services.deps.database.tenants([stored.tenantId]);
  const identity = await findIdentity(db, { tenantId: stored.tenantId, realmId: stored.realmId, identityId });
  if (identity === undefined) throw new OAuthError("access_denied", "the identity was deleted");
  if (identity.status !== "active") throw new OAuthError("access_denied", "the identity is suspended");
  return identity;
}

/** What the client gets of what it asked for: no more than the person agreed to, whatever has become allowed since. */
async function decideScope(services: Services, { application, stored }: FinishedLogin): Promise<ScopeVerdict> {
  const { context } = application;
  const { parameters, identityId, consent } = stored;
  if (identityId === undefined) throw new Error("a grant of nobody");
  const db = services.deps.database.tenants([context.key.tenantId]);
  const scope = await negotiateScope(db, context, { parameters, identityId });
  return limitToConsent(scope, consent, { setting: context.client.consent, prompts: parameters.prompts });
}

// The row is kept for the longest of the tokens that may hang on it.
function longestLifeOf(client: ClientMetadata): number {
  return Math.max(client.expiresAfterSeconds, client.refresh.enabled ? client.refresh.absoluteDurationSeconds : 0);
}

type DescribedGrant = Omit<NewGrant, "id" | "codeHash" | "codeExpiresAt" | "issuedAt" | "endsAt" | "decision">;

function describeGrant(
  { application, stored }: FinishedLogin,
  person: { readonly subject: string; readonly scope: string; readonly identity: Identity },
): DescribedGrant {
  const { parameters, authentication } = stored;
  if (authentication === undefined) throw new Error("a verified request does not say how the person was authenticated");
  return {
    ...application.context.key,
    identityId: person.identity.key.identityId,
    resourceServerId: application.context.client.resourceServerId,
    subject: person.subject,
    scope: person.scope,
    sessionId: "",
    clientSessionId: undefined,
    transactionId: stored.id,
    nonce: parameters.nonce,
    redirectUri: parameters.redirectUri,
    redirectUriOptional: hasSoleRedirectUri(application.context.client.redirectUris), // when the code is issued (rule 6)
    codeChallenge: parameters.codeChallenge,
    codeChallengeMethod: parameters.codeChallengeMethod,
    authTime: authentication.authTime,
    amr: authentication.amr,
    acr: chooseAcr(parameters.claims.acrValues, authentication.acr),
    claims: parameters.claims,
    consentMaxSeconds: stored.consent?.maximumSeconds,
    consentRenewalSeconds: stored.consent?.renewalSeconds,
  };
}

function describeDecision(
  { application, stored }: FinishedLogin,
  scope: ScopeVerdict,
): Readonly<Record<string, unknown>> {
  return {
    request_id: stored.id,
    redirect_uri: recordedUri(stored.parameters.redirectUri),
    pkce: stored.parameters.codeChallengeMethod ?? "none",
    subject_field: application.context.client.subjectField,
    requested_scope: stored.parameters.scope ?? [],
    scopes_dropped: scope.dropped,
    ...(stored.consent === undefined ? {} : { consent: describeConsent(stored.consent) }),
  };
}

function describeConsent(consent: GivenConsent): Readonly<Record<string, unknown>> {
  const { isRemembered, maximumSeconds: max_seconds, renewalSeconds: renewal_seconds } = consent;
  return { given: isRemembered ? "at an earlier login" : "at this login", max_seconds, renewal_seconds };
}
