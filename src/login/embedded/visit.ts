import { leaveReply } from "../../http/lead-page.ts";
import { redirectReply } from "../../http/pages.ts";
import { type HttpReply, type HttpRequest, realmKeyOf } from "../../http/route.ts";
import {
  type EmbeddedSecrets,
  newEmbeddedSecrets,
  signAuthenticateUrl,
  verifyEmbeddedJwt,
} from "../../keys/embedded-request.ts";
import type { ApplicationContext } from "../../protocol/client-metadata.ts";
import { OAuthError } from "../../protocol/oauth-error.ts";
import { type EmbeddedPages, embeddedPagesOf } from "../../resources/authenticator-config/rules.ts";
import { type AuthorizationRequest, moveEmbeddedLogin } from "../../resources/authorization-request/queries.ts";
import {
  authorizationRequestKeyOf,
  completionPathWith,
  hashLoginSecret,
  isLoginSecret,
  loginPath,
} from "../../resources/authorization-request/rules.ts";
import type { EmbeddedLogin } from "../../resources/authorization-request/schema.ts";
import type { LoginServices } from "../services.ts";
import { surroundingsOf } from "../steps/login-page.ts";
import { findLogin, methodsOf, type Visit } from "../visit.ts";
import { demandTrustedPage } from "./trusted-page.ts";

const COMPLETION_SECRET_BYTES = 32;

/** A page of an application, in a login that it holds the newest `request` of. */
export interface EmbeddedVisit extends Visit {
  readonly application: ApplicationContext;
  readonly embedded: EmbeddedLogin;
  readonly pages: EmbeddedPages;
}

/**
 * Finds the login that a `request` lets its holder act in. One wording whatever is wrong with it: forged, of another realm, of another
 * login than the path's, spent by a later step, expired or answered.
 *
 * @throws OAuthError 400, or 403 for a page that the authenticator config does not trust
 */
export async function openEmbeddedVisit(
  services: LoginServices,
  http: HttpRequest,
  request: string,
): Promise<EmbeddedVisit> {
  const realm = realmKeyOf(http);
  const presented = realm && (await verifyEmbeddedJwt(services, realm, request));
  const { transaction = presented?.transactionId } = http.parameters;
  if (presented === undefined || transaction !== presented.transactionId) throw staleRequest();
  const key = authorizationRequestKeyOf(realm, presented.transactionId, services.deps.clock.nowSeconds());
  const found = await findLogin(services, http, key);
  if ("over" in found) throw staleRequest();
  const { embedded } = found.stored;
  const pages = embeddedPagesOf(found.authenticator);
  const { application } = found.context;
  if (application === undefined || embedded === undefined || pages === undefined) throw staleRequest();
  if (!isLoginSecret(presented.step, embedded.stepHash)) throw staleRequest();
  demandTrustedPage(http, found.authenticator);
  return { ...found, methods: methodsOf(found), secret: presented.seed, application, embedded, pages };
}

/** A `request` that lets nobody act. */
export function staleRequest(): OAuthError {
  return new OAuthError("invalid_request", "the request cannot be used, or not any more: begin the login again");
}

/** A visit that has taken its step, with what the next one must bring. */
export interface TakenStep {
  readonly visit: EmbeddedVisit;
  readonly secrets: EmbeddedSecrets;
}

/**
 * Takes a step: the `request` that was presented is spent by it (reference 3.1), however it ends.
 *
 * @throws OAuthError 400 where another has taken it meanwhile
 */
export async function takeStep(visit: EmbeddedVisit): Promise<TakenStep> {
  const secrets = newEmbeddedSecrets(visit.services.deps.random, visit.secret);
  const embedded = { ...visit.embedded, stepHash: hashLoginSecret(secrets.step) };
  const stored = await move(visit, visit.embedded, embedded);
  if (stored === undefined) throw staleRequest();
  return { visit: { ...visit, stored, embedded }, secrets };
}

/** The address of the page for the next step. */
export function nextUrl({ visit, secrets }: TakenStep, stored: AuthorizationRequest): Promise<string> {
  const { services, pages, now } = visit;
  return signAuthenticateUrl(services, stored, { invokeUrl: pages.invokeUrl, secrets, now });
}

/**
 * Ends the login at the application's pages: no `request` of it works any more.
 *
 * @param binding of what its person may get a link for a passkey by
 * @returns where it is answered to the client, with a secret for whoever was authenticated, which works once
 */
export async function leaveEmbedded(
  visit: EmbeddedVisit,
  finished: AuthorizationRequest,
  binding?: EmbeddedLogin["binding"],
): Promise<string> {
  const { deps } = visit.services;
  const { step } = newEmbeddedSecrets(deps.random);
  const secret = deps.random.bytes(COMPLETION_SECRET_BYTES);
  const stored = await move(visit, visit.embedded, {
    invocation: visit.embedded.invocation,
    stepHash: hashLoginSecret(step),
    completionHash: hashLoginSecret(secret),
    binding,
  });
  if (stored === undefined) throw staleRequest();
  return deps.config.publicUrl + completionPathWith(finished, secret);
}

/** Sends a browser that is at our pages on to those of the application, as the login stands. */
export async function leaveForPages(visit: Visit): Promise<HttpReply> {
  const { services, stored, now } = visit;
  const pages = embeddedPagesOf(visit.authenticator);
  if (pages === undefined || stored.embedded === undefined) {
    throw new OAuthError("invalid_request", "the application has no login pages any more");
  }
  if (visit.http.method === "HEAD") return { status: 204 }; // a look spends nothing
  const secrets = newEmbeddedSecrets(services.deps.random);
  const { invocation } = stored.embedded;
  const moved = await move(visit, stored.embedded, { invocation, stepHash: hashLoginSecret(secrets.step) });
  if (moved === undefined) return redirectReply(loginPath(stored));
  const url = await signAuthenticateUrl(services, moved, { invokeUrl: pages.invokeUrl, secrets, now });
  return leaveReply(visit.http, url, surroundingsOf(visit));
}

function move(
  { services, stored, now }: Visit,
  from: EmbeddedLogin,
  to: EmbeddedLogin,
): Promise<AuthorizationRequest | undefined> {
  const db = services.deps.database.tenants([stored.tenantId]);
  return moveEmbeddedLogin(db, stored, { from: from.stepHash, to, now });
}
