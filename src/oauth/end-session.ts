import { createHmac } from "node:crypto";
import { isSentByOurPage } from "../http/form-origin.ts";
import { type PageSurroundings, redirectReply, replyWithErrorPage } from "../http/pages.ts";
import type { HttpReply, HttpRequest, Route } from "../http/route.ts";
import { clearSessionCookie, readSessionCookie } from "../http/session-cookie.ts";
import { visitorLanguage } from "../http/visitor-language.ts";
import { equalBytes } from "../platform/hash.ts";
import { type ApplicationKey, issuerOf, type RealmKey } from "../protocol/client-metadata.ts";
import { parseUiLocales } from "../protocol/language.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { parseQuery, type RequestParameters } from "../protocol/parameters.ts";
import { appendParameters } from "../protocol/redirect-uri.ts";
import { isSessionOpen } from "../protocol/session.ts";
import { readBrowserSession } from "../resources/browser-session.ts";
import { endSession, type Session } from "../resources/session/queries.ts";
import { findClientSession, findSessionApplication } from "../resources/session-application/queries.ts";
import { atIssuers } from "./at-issuer.ts";
import { confirmLogoutPage, signedOutPage } from "./end-session-pages.ts";
import { findNamedApplication } from "./find-client.ts";
import { findLiveApplication, type LiveApplication } from "./find-live-application.ts";
import { readForm } from "./form.ts";
import { type IdTokenHint, readIdTokenHint } from "./id-token-hint.ts";
import { findPageFailure, findSurroundings } from "./realm-page.ts";
import type { Services } from "./services.ts";

const STATE_LENGTH_MAX = 8_192;

/** GET and POST end-session (OpenID Connect RP-Initiated Logout 1.0, rule 12). */
export function endSessionRoutes(services: Services): readonly Route[] {
  const handle = (request: HttpRequest): Promise<HttpReply> => handleEndSession(services, request);
  const findApplication = (realm: RealmKey, sent: HttpRequest) => findLeftApplication(services, realm, sent);
  const endpoint = { path: "/end-session", kind: "auth", isShown: true, findApplication, handle } as const;
  return [
    ...atIssuers(services, { ...endpoint, name: "endSession", method: "GET" }),
    ...atIssuers(services, { ...endpoint, name: "endSessionByPost", method: "POST" }),
  ];
}

/** At a realm's issuer a request may name no client: then its page is that of one which the browser's session was used for. */
async function findLeftApplication(services: Services, realm: RealmKey, request: HttpRequest): Promise<ApplicationKey> {
  try {
    return await findNamedApplication(services)(realm, request);
  } catch (error) {
    if (!(error instanceof OAuthError) || error.status === 404) throw error;
    const session = await readBrowserSession(services.deps, request, realm);
    const db = services.deps.database.tenants([realm.tenantId]);
    const found = session === undefined ? undefined : await findSessionApplication(db, session.key, "realm");
    if (found === undefined) throw error;
    return found;
  }
}

async function handleEndSession(services: Services, request: HttpRequest): Promise<HttpReply> {
  if (request.method === "HEAD") return { status: 204 }; // a look ends nothing
  try {
    const application = await findLiveApplication(services, request);
    const parameters = request.method === "POST" ? readForm(request) : parseQuery(request.queryString);
    const session = await readBrowserSession(services.deps, request, application.context.key);
    const visit: Visit = { services, request, application, parameters, session };
    return request.method === "POST" ? await handlePost(visit) : await decideLogout(visit);
  } catch (error) {
    return replyWithErrorPage(error, await findPageFailure(services, request));
  }
}

/** A browser that is to be logged out. */
interface Visit {
  readonly services: Services;
  readonly request: HttpRequest;
  readonly application: LiveApplication;
  readonly parameters: RequestParameters;
  /** what its cookie proves, whatever became of it */
  readonly session: Session | undefined;
}

/** Our own form, or a client's: another site's POST brings no cookie along, so that one begins anew with a GET of ours (rule 18). */
async function handlePost(visit: Visit): Promise<HttpReply> {
  const { request, parameters, session } = visit;
  const token = parameters.values.get("form_token");
  if (token === undefined) {
    if (session !== undefined) return decideLogout(visit);
    return redirectReply(`${pathOf(visit)}?${new URLSearchParams([...parameters.values])}`);
  }
  if (session === undefined || session.endedAt !== undefined) return signedOut(visit);
  if (!isSentByOurPage(request, visit.services.deps.config.publicUrl) || !isFormToken(visit, session, token)) {
    throw new OAuthError("invalid_request", "the form was not made by our page for this browser", { status: 403 });
  }
  await end(visit, session, "asked");
  return signedOut(visit);
}

/**
 * Rule 12: back to the client only for an ID token of its own about this session, or one that is over; that the path names the
 * application proves nothing about who sent the browser. Otherwise the person is asked, and stays with us.
 */
async function decideLogout(visit: Visit): Promise<HttpReply> {
  const { session, application } = visit;
  const target = findTarget(visit);
  const hint = await readHint(visit);
  if (target !== undefined && hint?.sessionId !== undefined) {
    const hinted = await findHinted(visit, hint.sessionId);
    if (session !== undefined && hinted?.key.sessionId === session.key.sessionId) {
      if (session.endedAt === undefined) await end(visit, session, "id_token_hint");
      return redirectReply(target, [clearCookie(visit)]);
    }
    // One that is forgotten had ended.
    if (hinted === undefined || !isOpen(visit, hinted)) return redirectReply(target);
  }
  if (session === undefined || !isOpen(visit, session)) return signedOut(visit);
  return confirmLogoutPage({
    client: application.context.client,
    realm: application.context.key,
    surroundings: await surroundingsOf(visit),
    path: pathOf(visit),
    formToken: formTokenOf(visit, session),
  });
}

/** Where the client wants the browser back, if it has registered that (by exact match), with its `state` and nothing else. */
function findTarget({ parameters: { values }, application }: Visit): string | undefined {
  const uri = values.get("post_logout_redirect_uri");
  if (uri === undefined || !application.context.client.postLogoutRedirectUris.includes(uri)) return undefined;
  const state = values.get("state");
  if ((state?.length ?? 0) > STATE_LENGTH_MAX) {
    throw new OAuthError("invalid_request", `state has over ${STATE_LENGTH_MAX} characters`);
  }
  return appendParameters(uri, { state });
}

async function readHint({ services, parameters: { values }, application }: Visit): Promise<IdTokenHint | undefined> {
  const { context } = application;
  const sent = values.get("id_token_hint");
  // §2: a client_id beside the hint must be the one that it was issued to.
  if (sent === undefined || (values.get("client_id") ?? context.client.clientId) !== context.client.clientId)
    return undefined;
  return readIdTokenHint(services, context, sent);
}

function findHinted({ services, application }: Visit, clientSessionId: string): Promise<Session | undefined> {
  const { key } = application.context;
  return findClientSession(services.deps.database.tenants([key.tenantId]), key, clientSessionId);
}

function isOpen({ application: { context, now } }: Visit, session: Session): boolean {
  return isSessionOpen(session, context.realm.sessionPolicy, now);
}

async function end(visit: Visit, session: Session, by: "asked" | "id_token_hint"): Promise<void> {
  const { services, application, request } = visit;
  const db = services.deps.database.tenants([session.key.tenantId]);
  if (!(await endSession(db, session.key, { at: application.now, reason: "logout" }))) return;
  services.decisions.record({
    ...application.context.key,
    traceId: request.traceId,
    kind: "logout",
    outcome: "logged_out",
    facts: { identity_id: session.identityId, session_id: session.key.sessionId, by },
  });
}

async function signedOut(visit: Visit): Promise<HttpReply> {
  const { client, key } = visit.application.context;
  return signedOutPage({
    client,
    realm: key,
    surroundings: await surroundingsOf(visit),
    setCookies: visit.session === undefined ? [] : [clearCookie(visit)],
  });
}

// RP-Initiated Logout §2: the client may say which language the person reads.
function surroundingsOf({ services, request, application, parameters }: Visit): Promise<PageSurroundings> {
  const language = visitorLanguage(request, parseUiLocales(parameters.values.get("ui_locales")));
  return findSurroundings(services, application.context, language);
}

function clearCookie({ services, application }: Visit): string {
  const { publicUrl } = services.deps.config;
  return clearSessionCookie({ publicUrl, realmId: application.context.key.realmId });
}

function pathOf({ services, application }: Visit): string {
  const { key, client } = application.context;
  return new URL(`${issuerOf(services.deps.config.publicUrl, key, client.issuerMode)}/end-session`).pathname;
}

/** What only a page of ours in this browser knows: keyed by the secret of the session's cookie. */
function formTokenOf({ services, request }: Visit, { key }: Session): string {
  const cookie = readSessionCookie(request, { publicUrl: services.deps.config.publicUrl, realmId: key.realmId });
  if (cookie === undefined) throw new Error("a session was read without its cookie");
  return createHmac("sha256", cookie.secret).update(`end-session ${key.sessionId}`).digest("base64url");
}

function isFormToken(visit: Visit, session: Session, token: string): boolean {
  return equalBytes(Buffer.from(token), Buffer.from(formTokenOf(visit, session)));
}
