import { isAnyAcrReachable, reachableAcrs } from "../protocol/acr.ts";
import { type ClaimsRequest, parseClaimsRequest } from "../protocol/claims-request.ts";
import type { ApplicationContext } from "../protocol/client-metadata.ts";
import { parseUiLocales } from "../protocol/language.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import type { RequestParameters } from "../protocol/parameters.ts";
import { parseChallenge } from "../protocol/pkce.ts";
import { matchRedirectUri } from "../protocol/redirect-uri.ts";
import type { AuthenticationMethod } from "../protocol/webauthn/passkey-methods.ts";
import { type AuthorizeParameters, LOGIN_METHODS } from "../resources/authorization-request/schema.ts";
import { readScope } from "./read-scope.ts";
import { findResponseMode } from "./response-modes/index.ts";
import type { ResponseMode } from "./response-modes/response-mode.ts";

/** Longest `state` and `nonce`, in characters: they are stored, and travel back in a URL. */
const STATE_LENGTH_MAX = 8_192;
const NONCE_LENGTH_MAX = 2_048;
const LOGIN_HINT_LENGTH_MAX = 254;
/** What of `acr_values` is looked at, in characters. */
const ACR_VALUES_LENGTH_MAX = 512;
/** The members of `prompt` that this server knows (OIDC Core §3.1.2.1). */
const PROMPTS: readonly string[] = ["none", "login", "consent", "select_account"];
/** What a decision repeats of a client's input, in characters (rule 24). */
const RECORDED_LENGTH_MAX = 200;

/** Where the answer goes; from here on every error goes there too (rule 18). */
export interface AnswerTarget {
  /** as presented */
  readonly redirectUri: string;
  readonly mode: ResponseMode;
  readonly state: string | undefined;
}

/** A request on its way through the checks. */
export interface SentRequest {
  readonly parameters: RequestParameters;
  readonly context: ApplicationContext;
  readonly target: AnswerTarget;
  /** the methods of the application's authenticator config; undefined: it has none */
  readonly loginMethods: readonly AuthenticationMethod[] | undefined;
}

/**
 * Finds out whether, where and how this request may be answered to a client: the checks that never redirect.
 *
 * @throws OAuthError for the page: whoever sent the browser here is not known to be the client (RFC 6749 §4.1.2.1)
 */
export function findAnswerTarget(parameters: RequestParameters, context: ApplicationContext): AnswerTarget {
  for (const name of ["client_id", "redirect_uri", "response_mode"]) refuseDuplicate(parameters, name); // rule 38
  checkClientId(parameters, context);
  const redirectUri = checkRedirectUri(parameters, context);
  const mode = findResponseMode(parameters.values.get("response_mode")) ?? findResponseMode(undefined);
  if (mode === undefined) throw new Error("there is no default response mode");
  const state = parameters.values.get("state");
  // A state that is refused for its length is not sent back either.
  return { redirectUri, mode, state: (state?.length ?? 0) > STATE_LENGTH_MAX ? undefined : state };
}

/**
 * Accepts a request or refuses it; errors go to the client. In this order.
 *
 * @throws OAuthError of RFC 6749 §4.1.2.1 and OIDC Core §3.1.2.6
 */
export function acceptRequest(sent: SentRequest): AuthorizeParameters {
  const { values } = sent.parameters;
  const { client } = sent.context;
  refuseDuplicates(sent);
  refuseRequestObjects(sent);
  checkResponseMode(sent);
  checkResponseType(sent);
  checkGrantType(sent);
  checkLoginMethod(sent);
  checkLengths(sent);
  const maxAgeSeconds = readMaxAge(sent);
  const prompts = readPrompts(sent);
  const claims = readClaims(sent);
  const scope = readScope(sent.context, values.get("scope"));
  const challenge = parseChallenge({
    challenge: values.get("code_challenge"),
    method: values.get("code_challenge_method"),
    setting: client.pkce,
    confidentiality: client.confidentiality,
  });
  return {
    clientId: client.clientId,
    redirectUri: sent.target.redirectUri,
    responseMode: sent.target.mode.name,
    state: sent.target.state,
    nonce: values.get("nonce"),
    scope,
    codeChallenge: challenge?.value,
    codeChallengeMethod: challenge?.method,
    loginHint: loginHintOf(values.get("login_hint")),
    uiLocales: parseUiLocales(values.get("ui_locales")),
    prompts,
    maxAgeSeconds,
    hintedSubject: claims.subject,
    claims,
  };
}

/** A URI as decisions show it: without query and fragment, which may carry anything, and cut (rule 24). */
export function recordedUri(uri: string | undefined): string | undefined {
  return uri?.split(/[?#]/)[0]?.slice(0, RECORDED_LENGTH_MAX).toWellFormed();
}

function checkClientId({ values }: RequestParameters, { client }: ApplicationContext): void {
  const clientId = values.get("client_id");
  if (clientId === undefined) throw new OAuthError("invalid_request", "client_id is missing");
  if (clientId === client.clientId) return;
  throw new OAuthError("invalid_request", "client_id is not that of the application in the path");
}

function checkRedirectUri({ values }: RequestParameters, { client }: ApplicationContext): string {
  const presented = values.get("redirect_uri");
  if (presented === undefined) throw new OAuthError("invalid_request", "redirect_uri is missing");
  // RFC 9700 §2.1: by simple string comparison; only the port of a loopback address is free.
  const registered = matchRedirectUri(client.redirectUris, presented, client.confidentiality);
  if (registered !== undefined) return presented;
  const facts = { redirect_uri: recordedUri(presented), compared_with: client.redirectUris.length };
  throw new OAuthError("invalid_request", "redirect_uri is not registered for this application", { facts });
}

function refuseDuplicate({ duplicates }: RequestParameters, name: string): void {
  if (duplicates.includes(name)) throw new OAuthError("invalid_request", `${name} was sent more than once`);
}

// RFC 6749 §3.1: parameters must not be included more than once.
function refuseDuplicates({ parameters }: SentRequest): void {
  const [name] = parameters.duplicates;
  if (name === undefined) return;
  const shown = /^[a-z_]{1,40}$/.test(name) ? name : "a parameter";
  throw new OAuthError("invalid_request", `${shown} was sent more than once`);
}

// Rule 19, OIDC Core §3.1.2.6: ignoring them in silence would lose what they carry.
function refuseRequestObjects({ parameters: { values } }: SentRequest): void {
  if (values.has("request")) throw new OAuthError("request_not_supported", "request is not supported");
  if (values.has("request_uri")) throw new OAuthError("request_uri_not_supported", "request_uri is not supported");
  if (values.has("registration")) throw new OAuthError("registration_not_supported", "registration is not supported");
}

function checkResponseMode({ parameters: { values } }: SentRequest): void {
  if (findResponseMode(values.get("response_mode")) !== undefined) return;
  throw new OAuthError("invalid_request", "response_mode is not supported");
}

function checkResponseType({ parameters: { values } }: SentRequest): void {
  const responseType = values.get("response_type");
  if (responseType === undefined) throw new OAuthError("invalid_request", "response_type is missing");
  if (responseType !== "code") throw new OAuthError("unsupported_response_type", "response_type must be code");
}

function checkGrantType({ context: { client } }: SentRequest): void {
  if (client.grantTypes.includes("authorization_code")) return;
  throw new OAuthError("unauthorized_client", "this application may not use the grant type authorization_code");
}

function checkLoginMethod({ loginMethods }: SentRequest): void {
  if (loginMethods === undefined) {
    throw new OAuthError(
      "unauthorized_client",
      "this application has no authenticator config, so nobody can log in to it",
    );
  }
  const types = loginMethods.map(({ type }) => type);
  if (LOGIN_METHODS.some((method) => types.includes(method))) return;
  throw new OAuthError(
    "unauthorized_client",
    "the authenticator config of this application allows no login method of this server",
    {
      facts: { methods: types },
    },
  );
}

function checkLengths({ parameters: { values } }: SentRequest): void {
  for (const [name, limit] of [
    ["state", STATE_LENGTH_MAX],
    ["nonce", NONCE_LENGTH_MAX],
  ] as const) {
    if ((values.get(name)?.length ?? 0) > limit)
      throw new OAuthError("invalid_request", `${name} has over ${limit} characters`);
  }
}

// What is no age is a mistake of the client (OIDC Core §3.1.2.1).
function readMaxAge({ parameters: { values } }: SentRequest): number | undefined {
  const maxAge = values.get("max_age");
  if (maxAge === undefined) return undefined;
  if (/^[0-9]{1,10}$/.test(maxAge)) return Number(maxAge);
  throw new OAuthError("invalid_request", "max_age must be a number of seconds");
}

// Other members than these decide nothing.
function readPrompts({ parameters: { values } }: SentRequest): readonly string[] {
  const prompts = (values.get("prompt") ?? "").split(" ").filter((prompt) => prompt !== "");
  if (!prompts.includes("none") || prompts.length === 1) return prompts.filter((prompt) => PROMPTS.includes(prompt));
  throw new OAuthError("invalid_request", "prompt=none cannot be combined with another prompt"); // OIDC Core §3.1.2.1
}

// `acr_values` is voluntary, an essential acr of `claims` is not (OIDC Core §3.1.2.1, §5.5.1.1).
function readClaims({ parameters: { values }, loginMethods = [] }: SentRequest): ClaimsRequest {
  const claims = parseClaimsRequest(values.get("claims"));
  const acrIsEssential = claims.acrIsEssential && claims.acrValues.length > 0;
  if (acrIsEssential && !isAnyAcrReachable(claims.acrValues, reachableAcrs(loginMethods))) {
    throw new OAuthError("unmet_authentication_requirements", "no login here reaches the acr that was asked for");
  }
  const wished = (values.get("acr_values") ?? "").slice(0, ACR_VALUES_LENGTH_MAX).split(" ");
  // What must be met is not widened by what would be nice.
  if (acrIsEssential) return { ...claims, acrIsEssential };
  return { ...claims, acrIsEssential, acrValues: [...claims.acrValues, ...wished.filter((acr) => acr !== "")] };
}

// What cannot be an address is dropped: it hints at nobody.
function loginHintOf(hint: string | undefined): string | undefined {
  if (hint === undefined || hint.length > LOGIN_HINT_LENGTH_MAX) return undefined;
  return /^[^\s@]+@[^\s@]+$/.test(hint) ? hint : undefined;
}
