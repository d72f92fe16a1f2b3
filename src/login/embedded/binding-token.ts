import type { Queryable } from "../../database/database.ts";
import {
  applicationKeyOf,
  type HttpReply,
  type HttpRequest,
  headerOf,
  jsonReply,
  type Route,
} from "../../http/route.ts";
import { sha256 } from "../../platform/hash.ts";
import { hexId } from "../../platform/random.ts";
import { NO_AUTHORITY } from "../../protocol/authority.ts";
import { OAuthError } from "../../protocol/oauth-error.ts";
import { formatBindingToken, parseBindingToken, SECRET_BYTES } from "../../protocol/opaque-token.ts";
import { findApplicationContext } from "../../resources/application/queries.ts";
import { findAuthenticatorOf } from "../../resources/application-authenticator.ts";
import { readPowerOf } from "../../resources/authority/queries.ts";
import type { AuthorizationRequest } from "../../resources/authorization-request/queries.ts";
import { authorizationRequestKeyOf } from "../../resources/authorization-request/rules.ts";
import type { EmbeddedLogin } from "../../resources/authorization-request/schema.ts";
import { formatBindingLink, newLinkToken } from "../../resources/binding-link.ts";
import { holdBindingConfig, holdBindingPlace } from "../../resources/binding-place/queries.ts";
import { insertBindingJob } from "../../resources/credential-binding-job/queries.ts";
import { whyNotInvited } from "../../resources/credential-binding-job/rules.ts";
import { insertEvents } from "../../resources/event/queries.ts";
import { transactionWithEvents } from "../../resources/event-transaction.ts";
import { type PresentedBinding, spendPasskeyBinding } from "../../resources/passkey-binding/queries.ts";
import { lacksPasskey } from "../passkey/offer.ts";
import type { LoginServices } from "../services.ts";
import { EMBEDDED_OPERATIONS } from "./operations.ts";
import { routeOf } from "./route-of.ts";
import { demandTrustedPage } from "./trusted-page.ts";
import type { EmbeddedVisit } from "./visit.ts";

/** How long the token may be exchanged for a link, and then the link be used, in seconds of tenant time (reference 3.5). */
const LIFETIME_SECONDS = 600;

/** A token for its page, and what is stored of it. */
interface NewBindingToken {
  readonly token: string;
  readonly stored: NonNullable<EmbeddedLogin["binding"]>;
}

/**
 * The token by which somebody who has just logged in by a code may bind a passkey; undefined where none can be made, and for who has one
 * here: by mail alone nobody gets a second key to what takes passkeys only, as at our pages.
 */
export async function newBindingToken(
  visit: EmbeddedVisit,
  { tenantId, realmId, identityId, id }: AuthorizationRequest,
): Promise<NewBindingToken | undefined> {
  if (identityId === undefined || !(await lacksPasskey(visit, { tenantId, realmId, identityId }))) return undefined;
  const token = formatBindingToken(id, visit.services.deps.random.bytes(SECRET_BYTES));
  return { token, stored: { hash: hashOf(token), endsAt: visit.now + LIFETIME_SECONDS } };
}

/** Where the token is exchanged for a link (reference E8). */
export function bindingTokenRoutes(services: LoginServices): readonly Route[] {
  return [routeOf(EMBEDDED_OPERATIONS.exchangeToken, (http) => exchange(services, http))];
}

/** @throws OAuthError 401 `invalid_token`, in one wording whatever is wrong with it */
async function exchange(services: LoginServices, http: HttpRequest): Promise<HttpReply> {
  const presented = readPresented(services, http);
  const { deps } = services;
  const db = deps.database.tenants([presented.tenantId]);
  const context = await findApplicationContext(db, presented);
  const authenticatorConfigId = context?.client.authenticatorConfigId;
  if (context === undefined || authenticatorConfigId === undefined) throw badToken();
  const authenticator = await findAuthenticatorOf(db, context);
  if (authenticator === undefined) throw badToken();
  demandTrustedPage(http, authenticator);
  const now = deps.clock.nowSeconds() + context.tenant.clockOffsetSeconds;
  const made = { presented, authenticatorConfigId, now, traceId: http.traceId };
  const link = await transactionWithEvents(deps, presented.tenantId, (session) => makeJob(services, session, made));
  return jsonReply(200, { credential_binding_link: link });
}

function readPresented({ deps }: LoginServices, http: HttpRequest): PresentedBinding {
  const key = applicationKeyOf(http);
  const [, token = ""] = /^bearer ([^ ]+)$/i.exec(headerOf(http, "authorization") ?? "") ?? [];
  const request = authorizationRequestKeyOf(key, parseBindingToken(token), deps.clock.nowSeconds());
  if (key === undefined || request === undefined) throw badToken();
  return { ...key, requestId: request.id, hash: hashOf(token) };
}

interface MadeJob {
  readonly presented: PresentedBinding;
  readonly authenticatorConfigId: string;
  readonly now: number;
  readonly traceId: Buffer;
}

/** The token is spent and the link there, or neither. */
async function makeJob({ deps }: LoginServices, db: Queryable, made: MadeJob): Promise<string> {
  const { presented, authenticatorConfigId, now, traceId } = made;
  const { tenantId, realmId } = presented;
  const identityId = await spendPasskeyBinding(db, presented, now);
  const person = identityId && (await holdBindingPlace(db, { tenantId, realmId, identityId }));
  if (!identityId || !person || whyNotInvited(person.person, false) !== undefined) throw badToken();
  if (!(await holdBindingConfig(db, { tenantId, realmId, authenticatorConfigId }))) throw badToken();
  const key = { tenantId, realmId, jobId: hexId(deps.random) };
  const { token, hash } = newLinkToken(deps.random);
  const nowMs = deps.clock.nowMs();
  // Made by the person, for the person: who becomes more powerful meanwhile needs another link.
  const creator = (await readPowerOf(db, presented, { identityIds: [identityId] })) ?? NO_AUTHORITY;
  const settings = { delivery_method: "RETURN", authenticator_config_id: authenticatorConfigId } as const;
  const job = { identityId, batchId: undefined, settings, tokenHash: hash, creator, expiresAt: now + LIFETIME_SECONDS };
  await insertBindingJob(db, key, job, nowMs);
  const event = { type: "CredentialBindingJobChange", action: "CREATE", realmId } as const;
  const about = { resource: { type: "CredentialBindingJob", id: key.jobId }, traceId, atMs: nowMs };
  const facts = { identity_id: identityId, delivery_method: settings.delivery_method };
  await insertEvents(db, tenantId, [{ ...event, ...about, actor: { type: "Identity", id: identityId }, facts }]);
  return formatBindingLink(deps.config.publicUrl, { key, identityId, token });
}

function hashOf(token: string): string {
  return sha256(token).toString("base64url");
}

function badToken(): OAuthError {
  return new OAuthError("invalid_token", "the passkey binding token cannot be used, or not any more");
}
