import { DatabaseUnavailable } from "../database/database-error.ts";
import { replyToError } from "../http/errors.ts";
import { isSentByPage } from "../http/form-origin.ts";
import { replyWithErrorPage } from "../http/pages.ts";
import { applicationKeyOf, type HttpReply, type HttpRequest, type Route } from "../http/route.ts";
import { visitorLanguage } from "../http/visitor-language.ts";
import { newEmbeddedSecrets } from "../keys/embedded-request.ts";
import { sha256 } from "../platform/hash.ts";
import { issuerOf } from "../protocol/client-metadata.ts";
import { parseUiLocales } from "../protocol/language.ts";
import { OAuthError, publicDescription } from "../protocol/oauth-error.ts";
import { parseQuery, type RequestParameters } from "../protocol/parameters.ts";
import { findAuthenticatorOf } from "../resources/application-authenticator.ts";
import { type EmbeddedPages, embeddedPagesOf } from "../resources/authenticator-config/rules.ts";
import {
  BROWSER_SECRET_BYTES,
  hashLoginSecret,
  newAuthorizationRequestId,
  newChallenge,
} from "../resources/authorization-request/rules.ts";
import {
  AUTHORIZATION_REQUEST_LIFETIME_SECONDS,
  type AuthorizeParameters,
  type LoginStart,
} from "../resources/authorization-request/schema.ts";
import { storeAuthorizationRequest } from "../resources/store-authorization-request.ts";
import { APPLICATION_ISSUER, atIssuers } from "./at-issuer.ts";
import { answerClient, handleComplete } from "./authorize-complete.ts";
import {
  type AnswerTarget,
  acceptRequest,
  findAnswerTarget,
  recordedUri,
  type SentRequest,
} from "./authorize-request.ts";
import { beginLogin, type LoginBeginning } from "./begin-login.ts";
import { findCallingPage, shareWithPage, withoutCookies } from "./calling-page.ts";
import { findNamedApplication } from "./find-client.ts";
import { findLiveApplication, type LiveApplication } from "./find-live-application.ts";
import { readForm } from "./form.ts";
import { readIdTokenHint } from "./id-token-hint.ts";
import { leaveForLogin } from "./leave-for-login.ts";
import { findPageFailure, findSurroundings } from "./realm-page.ts";
import type { Services } from "./services.ts";

/** What the client is not told: the person waits, or a page that nobody trusts has called. */
const KEPT_HERE: ReadonlySet<number | undefined> = new Set([403, 429]);

/** GET and POST authorize (RFC 6749 §3.1), and the way back from the login pages, which is the same for every issuer. */
export function authorizeRoutes(services: Services): readonly Route[] {
  const begin = (request: HttpRequest): Promise<HttpReply> => handleAuthorize(services, request);
  const findApplication = findNamedApplication(services);
  const endpoint = { path: "/authorize", kind: "auth", isShown: true, findApplication, handle: begin } as const;
  return [
    ...atIssuers(services, { ...endpoint, name: "authorize", method: "GET" }),
    ...atIssuers(services, { ...endpoint, name: "authorizeByPost", method: "POST" }),
    {
      name: "authorizeComplete",
      method: "GET",
      path: `${APPLICATION_ISSUER}/authorize/complete`,
      kind: "auth",
      isShown: true,
      handle: (request) => handleComplete(services, request),
    },
  ];
}

async function handleAuthorize(services: Services, request: HttpRequest): Promise<HttpReply> {
  if (request.method === "HEAD") return { status: 204 }; // a look begins no login
  try {
    const application = await findLiveApplication(services, request);
    const parameters = readParameters(request);
    const target = findAnswerTarget(parameters, application.context);
    return await beginOrTell(services, { request, application, parameters, target });
  } catch (error) {
    // Nothing is known of who sent the browser here: it stays with us (RFC 6749 §4.1.2.1).
    if (error instanceof OAuthError) recordRefusal(services, request, error);
    return replyWithErrorPage(error, await findPageFailure(services, request));
  }
}

function readParameters(request: HttpRequest): RequestParameters {
  const options = { duplicates: "report" } as const;
  return request.method === "POST" ? readForm(request, options) : parseQuery(request.queryString, options);
}

interface Begun {
  readonly request: HttpRequest;
  readonly application: LiveApplication;
  readonly parameters: RequestParameters;
  readonly target: AnswerTarget;
}

/** From here on the client is told what goes wrong, in the mode it asked for (rule 18). */
async function beginOrTell(services: Services, begun: Begun): Promise<HttpReply> {
  const { request, application, parameters, target } = begun;
  const { context } = application;
  let page: string | undefined;
  try {
    const authenticator = await findAuthenticatorOf(services.deps.database.tenants([context.key.tenantId]), context);
    page = findCallingPage(request, authenticator);
    const loginMethods = authenticator?.authentication_methods;
    const accepted = acceptRequest({ parameters, context, target, loginMethods });
    const hinted = await withHint(services, begun, accepted);
    await services.loginLimiter.admit(context.key, request.remoteAddress);
    const pages = embeddedPagesOf(authenticator);
    if (page === undefined) return await begin(services, { ...begun, loginMethods, pages }, hinted);
    const called = { ...begun, request: withoutCookies(request), loginMethods, pages };
    return shareWithPage(await begin(services, called, hinted), page);
  } catch (error) {
    if (page !== undefined) return tellPage(services, request, { error, page });
    if (error instanceof OAuthError && KEPT_HERE.has(error.status)) throw error;
    const told = asOAuthError(services, request, error);
    recordRefusal(services, request, told, {
      redirect_uri: recordedUri(target.redirectUri),
      response_mode: target.mode.name,
    });
    const language = visitorLanguage(request, parseUiLocales(parameters.values.get("ui_locales")));
    const reply = await target.mode.reply({
      redirectUri: target.redirectUri,
      parameters: {
        error: told.code,
        error_description: publicDescription(told),
        state: target.state,
        iss: issuerOf(services.deps.config.publicUrl, context.key, context.client.issuerMode), // RFC 9207 §2.1: in error responses too
      },
      setCookies: [],
      isAfterForm: false,
      findSurroundings: () => findSurroundings(services, context, language),
    });
    return { ...reply, refusal: { code: told.code } };
  }
}

/** A script cannot follow a redirect to the client: it is told what goes wrong as other callers of ours are (rule 38). */
function tellPage(
  services: Services,
  request: HttpRequest,
  { error, page }: { readonly error: unknown; readonly page: string },
): HttpReply {
  if (error instanceof OAuthError) recordRefusal(services, request, error);
  const traceId = Buffer.from(request.traceId).toString("hex");
  return shareWithPage(replyToError(error, { kind: "auth", traceId, log: services.deps.log }), page);
}

/** The request with what its `id_token_hint` says; refused where that is no ID token of this client. */
async function withHint(
  services: Services,
  { application, parameters }: Begun,
  accepted: AuthorizeParameters,
): Promise<AuthorizeParameters> {
  const sent = parameters.values.get("id_token_hint");
  if (sent === undefined) return accepted;
  const hint = await readIdTokenHint(services, application.context, sent);
  if (hint === undefined) throw new OAuthError("invalid_request", "id_token_hint is no ID token of this client");
  if (accepted.hintedSubject !== undefined && accepted.hintedSubject !== hint.subject) {
    throw new OAuthError("invalid_request", "id_token_hint and claims name two people");
  }
  return { ...accepted, hintedSubject: hint.subject };
}

/**
 * Stores the request and binds it to this browser. Then it is answered where the browser's session is enough, or the login pages take
 * over. One that was posted begins with a GET of ours: another site's POST brings no cookies along (rule 18).
 */
async function begin(
  services: Services,
  begun: Begun & Pick<SentRequest, "loginMethods"> & { readonly pages: EmbeddedPages | undefined },
  accepted: AuthorizeParameters,
): Promise<HttpReply> {
  const { clock, random } = services.deps;
  const { request, application, loginMethods, pages } = begun;
  const { context, now } = application;
  const parameters = { ...accepted, isSentByPage: isSentByPage(request) };
  const id = newAuthorizationRequestId(random, request.traceId, clock.nowSeconds());
  const start = await startLogin(services, { request, application, parameters, requestId: id, loginMethods }, pages);
  const browserSecret = random.bytes(BROWSER_SECRET_BYTES);
  const embedded = pages && { pages, secrets: newEmbeddedSecrets(random) };
  const stored = await storeAuthorizationRequest(services.deps.database, {
    ...context.key,
    id,
    browserHash: sha256(browserSecret),
    parameters,
    challenge: newChallenge(random),
    createdAt: now,
    expiresAt: now + AUTHORIZATION_REQUEST_LIFETIME_SECONDS,
    start,
    embedded: embedded && { invocation: embedded.pages.invocation, stepHash: hashLoginSecret(embedded.secrets.step) },
  });
  if (stored.state === "verified") return answerClient(services, { request, application, stored });
  services.decisions.record({
    ...context.key,
    traceId: request.traceId,
    kind: "authorize",
    outcome: "accepted",
    facts: {
      request_id: stored.id,
      redirect_uri: recordedUri(parameters.redirectUri),
      response_mode: parameters.responseMode,
      pkce: parameters.codeChallengeMethod ?? "none",
    },
  });
  return leaveForLogin(services, { request, stored, embedded, browserSecret, now });
}

async function startLogin(
  services: Services,
  at: LoginBeginning,
  pages: EmbeddedPages | undefined,
): Promise<LoginStart> {
  const isManual = pages?.invocation === "manual";
  if (at.request.method === "POST" && !isManual) return { state: "arrived" };
  const start = await beginLogin(services, at);
  // No page of ours can ask somebody in a browser that is not known.
  return isManual && start.state !== "verified" ? { state: "email" } : start;
}

// RFC 6749 §4.1.2.1 has words for our own failures, because a redirect cannot carry a 500.
function asOAuthError(services: Services, request: HttpRequest, error: unknown): OAuthError {
  if (error instanceof OAuthError) return error;
  const line = { trace_id: Buffer.from(request.traceId).toString("hex"), err: error };
  if (error instanceof DatabaseUnavailable) {
    services.deps.log.warn(line, "the database is unavailable");
    return new OAuthError("temporarily_unavailable", "the server cannot answer now; try again");
  }
  services.deps.log.error(line, "a bug");
  return new OAuthError("server_error", "the server failed");
}

function recordRefusal(
  services: Services,
  request: HttpRequest,
  error: OAuthError,
  facts: Readonly<Record<string, unknown>> = {},
): void {
  const key = applicationKeyOf(request);
  if (key === undefined || error.status === 404) return; // nobody's decision: there is no such application
  if (error.facts.recorded === true) return;
  services.decisions.record({
    ...key,
    traceId: request.traceId,
    kind: "authorize",
    outcome: error.code,
    facts: { detail: error.detail, ...error.facts, ...facts },
  });
}
