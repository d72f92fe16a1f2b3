import { Compile } from "typebox/compile";
import { type HttpReply, type HttpRequest, headerOf, jsonReply, type Route } from "../../http/route.ts";
import { authenticateUrl } from "../../keys/embedded-request.ts";
import { OAuthError } from "../../protocol/oauth-error.ts";
import { requestOptions } from "../../protocol/webauthn/options.ts";
import type { AuthorizationRequest } from "../../resources/authorization-request/queries.ts";
import { takeAction } from "../dispatch.ts";
import { readEmailKey } from "../email-address.ts";
import { readCode } from "../one-time-code.ts";
import { passkeyPlaceOf } from "../passkey/place.ts";
import type { LoginServices } from "../services.ts";
import type { StepRefusal } from "../steps/step.ts";
import { newBindingToken } from "./binding-token.ts";
import { AddressBody, AssertionBody, CodeBody, EMBEDDED_OPERATIONS, RequestBody } from "./operations.ts";
import { readBody } from "./read-body.ts";
import { routeOf } from "./route-of.ts";
import { type EmbeddedVisit, leaveEmbedded, nextUrl, openEmbeddedVisit, staleRequest, takeStep } from "./visit.ts";

const Requested = Compile(RequestBody);
const Asserted = Compile(AssertionBody);
const Addressed = Compile(AddressBody);
const Typed = Compile(CodeBody);

/**
 * What an application's own login pages call (reference 3.3 and 3.5): the login steps of our pages, as JSON. No cookie is read; the
 * `request` of the page's address says which login it is.
 */
export function embeddedLoginRoutes(services: LoginServices): readonly Route[] {
  const { context, options, assertion, sendCode: send, redeemCode: redeem } = EMBEDDED_OPERATIONS;
  return [
    routeOf(context, (http) => tell(services, http)),
    routeOf(options, (http) => beginAssertion(services, http)),
    routeOf(assertion, (http) => finishAssertion(services, http)),
    routeOf(send, (http) => sendCode(services, http)),
    routeOf(redeem, (http) => redeemCode(services, http)),
  ];
}

/** What a page may know of the login before anybody is known. */
async function tell(services: LoginServices, http: HttpRequest): Promise<HttpReply> {
  const body = readBody(http, Requested);
  const visit = await openEmbeddedVisit(services, http, body.request);
  const { application, authenticator, pages } = visit;
  const { client, key } = application;
  return jsonReply(200, {
    config: {
      id: client.authenticatorConfigId,
      tenant_id: key.tenantId,
      realm_id: key.realmId,
      config: { type: authenticator.type, authentication_methods: visit.methods },
    },
    origin: { ip: http.remoteAddress, ua: headerOf(http, "user-agent"), ref: headerOf(http, "referer") },
    application: { id: key.applicationId, display_name: client.displayName },
    auth_url: authenticateUrl(pages.invokeUrl, body.request),
  });
}

async function beginAssertion(services: LoginServices, http: HttpRequest): Promise<HttpReply> {
  const visit = await openEmbeddedVisit(services, http, readBody(http, Requested).request);
  const place = passkeyPlaceOf(visit);
  const { challenge } = visit.stored;
  if (place === undefined || challenge === undefined) throw noWayIn();
  return jsonReply(200, requestOptions(place.relyingParty, place.policy, challenge));
}

/** Its challenge is answered once; a ceremony that failed may be done again with the same `request`. */
async function finishAssertion(services: LoginServices, http: HttpRequest): Promise<HttpReply> {
  const { request: sent, credential } = readBody(http, Asserted);
  const visit = await openEmbeddedVisit(services, http, sent);
  const fields = { action: "passkey", credential: JSON.stringify(credential) };
  const result = await takeAction(visit, new Map(Object.entries(fields)));
  if (result === undefined) throw noWayIn();
  if (result.kind === "page") throw refusalOf(result.why);
  if (!isOver(result.stored)) throw staleRequest();
  return jsonReply(200, { redirect_url: await leaveEmbedded(visit, result.stored) });
}

/** The answer is the same for every address (rule 35). */
async function sendCode(services: LoginServices, http: HttpRequest): Promise<HttpReply> {
  const { request: sent, email } = readBody(http, Addressed);
  if (readEmailKey(email) === undefined) throw new OAuthError("invalid_request", "email is no address");
  const visit = await openEmbeddedVisit(services, http, sent);
  demandMail(visit);
  const taken = await takeStep(visit);
  const result = await takeAction(taken.visit, new Map(Object.entries({ action: "send", email })));
  if (result?.kind !== "moved") throw staleRequest();
  return jsonReply(200, { url: await nextUrl(taken, result.stored) });
}

/** A wrong code is answered with the address of the next try; whoever is known goes on to the client. */
async function redeemCode(services: LoginServices, http: HttpRequest): Promise<HttpReply> {
  const { request: sent, code } = readBody(http, Typed);
  if (readCode(code) === undefined) throw new OAuthError("invalid_request", "code has six digits");
  const visit = await openEmbeddedVisit(services, http, sent);
  demandMail(visit);
  const taken = await takeStep(visit);
  const result = await takeAction(taken.visit, new Map(Object.entries({ action: "verify", code })));
  if (result === undefined) throw staleRequest();
  if (result.kind === "page" && result.why !== "wrong_code") throw refusalOf(result.why);
  const stored = result.kind === "moved" ? result.stored : taken.visit.stored;
  if (!isOver(stored)) return jsonReply(200, { url: await nextUrl(taken, stored) });
  const binding = await newBindingToken(taken.visit, stored);
  return jsonReply(200, {
    redirect_url: await leaveEmbedded(taken.visit, stored, binding?.stored),
    ...(binding === undefined ? {} : { passkey_binding_token: binding.token }),
  });
}

/** Whether somebody is known: the rest is between the client, the person and our pages. */
function isOver({ identityId, state }: AuthorizationRequest): boolean {
  return identityId !== undefined && state !== "refused";
}

function demandMail({ methods }: EmbeddedVisit): void {
  if (!methods.some(({ type }) => type === "email_one_time_password")) throw noWayIn();
}

function noWayIn(): OAuthError {
  return new OAuthError("invalid_request", "this login does not take that method, or not any more");
}

// One wording for an unknown passkey, one that was revoked, and an account that cannot log in.
function refusalOf(why: StepRefusal | undefined): OAuthError {
  switch (why) {
    case "wrong_passkey":
      return new OAuthError("invalid_grant", "the passkey was not accepted");
    case "tries_spent":
      return new OAuthError("login_required", "no further code is looked at in this login: begin it again");
    case "denied":
      return new OAuthError("access_denied", "the policy of the realm denies it", { status: 403 });
    default:
      return staleRequest();
  }
}
