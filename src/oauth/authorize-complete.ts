import type { Queryable } from "../database/database.ts";
import { DatabaseUnavailable } from "../database/database-error.ts";
import { insertWithPartitions } from "../database/partitions.ts";
import { bucketOf } from "../database/row-id.ts";
import { clearLoginCookie, readLoginCookie, setLoginCookie } from "../http/cookies.ts";
import { isBegunByOurForm, isOnHandheld } from "../http/form-origin.ts";
import { type LoginOver, loginOverReply } from "../http/login-over-page.ts";
import { type PageFailure, redirectReply, replyWithErrorPage } from "../http/pages.ts";
import type { HttpReply, HttpRequest } from "../http/route.ts";
import { visitorLanguage } from "../http/visitor-language.ts";
import { sha256 } from "../platform/hash.ts";
import { issuerOf } from "../protocol/client-metadata.ts";
import { coversTerms } from "../protocol/consent.ts";
import type { Language } from "../protocol/language.ts";
import { OAuthError, publicDescription } from "../protocol/oauth-error.ts";
import { parseQuery } from "../protocol/parameters.ts";
import { matchRedirectUri } from "../protocol/redirect-uri.ts";
import { findAuthenticatorOf } from "../resources/application-authenticator.ts";
import {
  type AuthorizationRequest,
  claimAuthorizationRequest,
  completeAuthorizationRequest,
  findAuthorizationRequest,
  startAuthorizationRequest,
} from "../resources/authorization-request/queries.ts";
import {
  authorizationRequestKeyOf,
  BROWSER_SECRET_BYTES,
  completionPath,
  hashLoginSecret,
  isLoginSecret,
  isSameBrowser,
  loginPath,
  needsCompletionSecret,
  readCompletionSecret,
} from "../resources/authorization-request/rules.ts";
import { AUTHORIZATION_REQUEST_LIFETIME_SECONDS, type LoginStart } from "../resources/authorization-request/schema.ts";
import { giveConsent, useConsent } from "../resources/consent/queries.ts";
import { insertGrant } from "../resources/grant/queries.ts";
import { recordedUri } from "./authorize-request.ts";
import { beginLogin } from "./begin-login.ts";
import { planSession, type SessionPlan } from "./browser-session.ts";
import { findLiveApplication, type LiveApplication } from "./find-live-application.ts";
import { type MadeGrant, makeGrant } from "./make-grant.ts";
import { findPageFailure, findSurroundings } from "./realm-page.ts";
import { findResponseMode } from "./response-modes/index.ts";
import type { Services } from "./services.ts";

/** GET $APP/authorize/complete: what the login pages found out becomes a code, or an error, for the client. Once. */
export async function handleComplete(services: Services, request: HttpRequest): Promise<HttpReply> {
  if (request.method === "HEAD") return { status: 204 }; // a look changes nothing
  let asked: readonly Language[] | undefined;
  const describe = (): Promise<PageFailure> => findPageFailure(services, request, asked);
  try {
    const application = await findLiveApplication(services, request, "any");
    const stored = await findRequest(services, request, application);
    asked = stored?.parameters.uiLocales;
    if (stored === undefined) return loginOverReply("unknown", await describe());
    const over = whyOver(services, { request, application, stored });
    if (over !== undefined) return loginOverReply(over, await describe());
    const reply = await goOn(services, { request, application, stored });
    return reply ?? loginOverReply("answered", await describe());
  } catch (error) {
    return replyWithErrorPage(error, await describe());
  }
}

/** The stored request of this application that the address names. */
async function findRequest(
  services: Services,
  request: HttpRequest,
  { context }: LiveApplication,
): Promise<AuthorizationRequest | undefined> {
  const { clock, database } = services.deps;
  const id = parseQuery(request.queryString).values.get("request");
  const key = authorizationRequestKeyOf(context.key, id, clock.nowSeconds());
  const stored = key === undefined ? undefined : await findAuthorizationRequest(database.tenants([key.tenantId]), key);
  return stored?.applicationId === context.key.applicationId ? stored : undefined;
}

/** Why a request may not be answered to this browser; undefined when it may. */
function whyOver(services: Services, { request, application, stored }: Finished): LoginOver | undefined {
  if (stored.completedAt !== undefined) return "answered";
  if (stored.expiresAt <= application.now) return "expired";
  return isAdmitted(services, request, stored) ? undefined : "other_browser";
}

// Rule 35. What was proved at an application's own page comes back with a secret; without the cookie only where no browser of ours began.
function isAdmitted({ deps }: Services, request: HttpRequest, stored: AuthorizationRequest): boolean {
  const place = { publicUrl: deps.config.publicUrl, realmId: stored.realmId, requestId: stored.id };
  const isSame = isSameBrowser(readLoginCookie(request, place), stored.browserHash);
  if (!needsCompletionSecret(stored)) return isSame;
  const brings = isLoginSecret(readCompletionSecret(request), stored.embedded?.completionHash);
  return brings && (isSame || stored.embedded?.invocation === "manual");
}

/** A login that is over, or that has its beginning here. */
interface Finished {
  readonly request: HttpRequest;
  readonly application: LiveApplication;
  readonly stored: AuthorizationRequest;
}

/** What is next: a login page, or the answer to the client; undefined when another request has answered meanwhile. */
async function goOn(services: Services, finished: Finished): Promise<HttpReply | undefined> {
  const { stored, application } = finished;
  if (stored.state === "verified" || stored.state === "refused") return answer(services, finished);
  if (stored.state !== "arrived") return showLogin(services, finished);
  const db = services.deps.database.tenants([stored.tenantId]);
  let start: LoginStart;
  try {
    const loginMethods = (await findAuthenticatorOf(db, application.context))?.authentication_methods;
    const { parameters, id: requestId } = stored;
    start = await beginLogin(services, { ...finished, parameters, requestId, loginMethods });
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    return refuse(services, finished, error);
  }
  const started = await startAuthorizationRequest(db, stored, { ...start, now: application.now });
  // Begun by another request meanwhile: it is read again.
  return started === undefined
    ? redirectReply(completionPath(stored))
    : goOn(services, { ...finished, stored: started });
}

/** The pages of ours; a login that comes from an application's own becomes this browser's for them, once. */
async function showLogin(
  services: Services,
  { request, application, stored }: Finished,
): Promise<HttpReply | undefined> {
  const sent = readCompletionSecret(request);
  if (sent === undefined || !needsCompletionSecret(stored)) return redirectReply(loginPath(stored));
  const { config, database, random } = services.deps;
  const secret = random.bytes(BROWSER_SECRET_BYTES);
  const by = { completionHash: hashLoginSecret(sent), browserHash: sha256(secret), now: application.now };
  const claimed = await claimAuthorizationRequest(database.tenants([stored.tenantId]), stored, by);
  if (claimed === undefined) return undefined;
  const place = { publicUrl: config.publicUrl, realmId: stored.realmId, requestId: stored.id };
  const login = { secret, lifetimeSeconds: AUTHORIZATION_REQUEST_LIFETIME_SECONDS };
  return redirectReply(loginPath(stored), setLoginCookie(request, place, login));
}

/** Answers the client of a request that nobody else knows of yet. */
export async function answerClient(services: Services, finished: Finished): Promise<HttpReply> {
  const reply = await answer(services, finished);
  if (reply === undefined) throw new Error("a request was answered before anybody knew of it");
  return reply;
}

/** Answers the client; undefined when another request has done so meanwhile. */
async function answer(services: Services, finished: Finished): Promise<HttpReply | undefined> {
  const { application, stored } = finished;
  const { client } = application.context;
  if (matchRedirectUri(client.redirectUris, stored.parameters.redirectUri, client.confidentiality) === undefined) {
    throw new OAuthError("invalid_request", "redirect_uri is not registered for this application any more");
  }
  try {
    const made = await makeGrant(services, { ...finished, traceId: finished.request.traceId });
    checkHint(stored, made);
    const plan = await planSession(services, finished);
    const sessionId = await spendAndRecord(services, { stored, made, plan, now: application.now });
    if (sessionId === undefined) return undefined;
    record(services, finished, "granted", { grant_id: made.grant.id, session_id: sessionId, ...made.grant.decision });
    return reply(services, finished, { code: made.code }, plan.cookies(sessionId));
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    return refuse(services, finished, error);
  }
}

// OIDC Core §3.1.2.1: whoever has logged in must be the person of the hint.
function checkHint({ parameters }: AuthorizationRequest, { grant }: MadeGrant): void {
  if (parameters.hintedSubject === undefined || parameters.hintedSubject === grant.subject) return;
  throw new OAuthError("login_required", "another person than that of id_token_hint has logged in");
}

interface Recorded {
  readonly stored: AuthorizationRequest;
  readonly made: MadeGrant;
  readonly plan: SessionPlan;
  readonly now: number;
}

/**
 * Spends the request and records session and grant in one transaction: none happens without the others (settled 4).
 *
 * @returns the id of the session; undefined when another request has spent it
 */
async function spendAndRecord(services: Services, { stored, made, plan, now }: Recorded): Promise<string | undefined> {
  const { database } = services.deps;
  const run = (): Promise<string | undefined> =>
    database.transaction([stored.tenantId], async (db) => {
      const spent = await completeAuthorizationRequest(db, stored, now);
      if (spent?.identityId === undefined) return undefined;
      const session = await plan.write(db, made.grant);
      await keepConsent(db, { stored, made, now });
      await insertGrant(db, { ...made.grant, ...session });
      return session.sessionId;
    });
  try {
    return await insertWithPartitions(database, "grants", [bucketOf(made.grant.id)], run);
  } catch (error) {
    if (!(error instanceof DatabaseUnavailable) || !error.mayHaveCommitted) throw error;
    // The connection was lost while it committed: if our own grant is there, it was ours that spent the request.
    return (await services.readGrant(made.grant))?.sessionId ?? run();
  }
}

/**
 * Keeps what the person has just agreed to, or makes sure that what was agreed to before is so still: whoever withdraws it meanwhile
 * finds this grant, or is found.
 */
async function keepConsent(db: Queryable, { stored, made, now }: Omit<Recorded, "plan">): Promise<void> {
  const { consent } = stored;
  if (consent === undefined) return;
  const { tenantId, realmId, applicationId, identityId } = made.grant;
  const key = { tenantId, realmId, applicationId, identityId };
  if (!consent.isRemembered) return giveConsent(db, key, { terms: consent, at: now });
  const kept = await useConsent(db, key, now);
  if (kept !== undefined && coversTerms(kept, consent) && consent.maximumSeconds <= kept.maximumSeconds) return;
  throw new OAuthError("consent_required", "the consent was withdrawn or narrowed meanwhile");
}

/** Tells the client that there will be no code; why, only the decision knows (rule 2). */
async function refuse(services: Services, finished: Finished, error: OAuthError): Promise<HttpReply | undefined> {
  const { application, stored } = finished;
  const db = services.deps.database.tenants([stored.tenantId]);
  if ((await completeAuthorizationRequest(db, stored, application.now)) === undefined) return undefined;
  record(services, finished, error.code, {
    detail: error.detail,
    ...error.facts,
    redirect_uri: recordedUri(stored.parameters.redirectUri),
  });
  const told = await reply(services, finished, { error: error.code, error_description: publicDescription(error) });
  return { ...told, refusal: { code: error.code } };
}

function record(
  services: Services,
  { application, request, stored }: Finished,
  outcome: string,
  facts: Readonly<Record<string, unknown>>,
): void {
  services.decisions.record({
    ...application.context.key,
    traceId: request.traceId,
    kind: "authorize",
    outcome,
    facts: { request_id: stored.id, identity_id: stored.identityId, ...facts },
  });
}

function reply(
  services: Services,
  finished: Finished,
  parameters: Readonly<Record<string, string>>,
  setCookies: readonly string[] = [],
): Promise<HttpReply> {
  const { publicUrl } = services.deps.config;
  const { stored, application } = finished;
  const mode = findResponseMode(stored.parameters.responseMode);
  if (mode === undefined) throw new Error("a stored request names a response mode that there is not");
  const { key, client } = application.context;
  const language = visitorLanguage(finished.request, stored.parameters.uiLocales);
  const iss = issuerOf(publicUrl, key, client.issuerMode);
  return mode.reply({
    redirectUri: stored.parameters.redirectUri,
    parameters: { ...parameters, state: stored.parameters.state, iss },
    setCookies: [clearLoginCookie({ publicUrl, realmId: stored.realmId, requestId: stored.id }), ...setCookies],
    isAfterForm: isBegunByOurForm(finished.request) && isLeftByPage(finished),
    findSurroundings: () => findSurroundings(services, application.context, language),
  });
}

// An app that a redirect opens may not be opened by a page: those of public clients may be such, unless a page began or it is no phone.
function isLeftByPage({ request, application, stored }: Finished): boolean {
  const { redirectUri, isSentByPage } = stored.parameters;
  if (application.context.client.confidentiality === "confidential" || redirectUri.startsWith("http:")) return true;
  return redirectUri.startsWith("https:") && (isSentByPage === true || !isOnHandheld(request));
}
