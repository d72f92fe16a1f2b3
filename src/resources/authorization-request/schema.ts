// What a login remembers: the validated parameters of /authorize, and how the person was authenticated. One JSON column holds
// both, under the wire's names; here they are translated, both ways.

import type { ClaimsRequest } from "../../protocol/claims-request.ts";
import type { GivenConsent } from "../../protocol/consent.ts";
import { isObject } from "../../protocol/json-object.ts";
import { type Language, parseUiLocales } from "../../protocol/language.ts";

/** How long a person may take from /authorize back to the client, in seconds of tenant time (reference 3.5). */
export const AUTHORIZATION_REQUEST_LIFETIME_SECONDS = 600;

/** The ways to log in that there are pages for, as authenticator configs name them; each is a step of `login/`. */
export const LOGIN_METHODS = ["email_one_time_password", "webauthn_passkey", "fido2"] as const;
export type LoginMethod = (typeof LOGIN_METHODS)[number];

/**
 * Where a login stands: which page is next is decided by this alone. `arrived`: not looked at yet with the browser's cookies, because
 * another site posted it; `email`: nobody is known, and anything that proves who it is may come; `offer`: the person is known and may make
 * a passkey; `confirm`: the person is known, and says yes on a page of ours; `consent`: and to what the client asks for.
 */
export type LoginState = "arrived" | "email" | "code" | "offer" | "confirm" | "consent" | "verified" | "refused";

/** The parameters of an authorization request after /authorize has accepted them. */
export interface AuthorizeParameters {
  readonly clientId: string;
  /** as presented; the code is bound to it */
  readonly redirectUri: string;
  readonly responseMode: string;
  readonly state: string | undefined;
  readonly nonce: string | undefined;
  /** as requested; negotiated when the person is known. Undefined: none was sent */
  readonly scope: readonly string[] | undefined;
  readonly codeChallenge: string | undefined;
  readonly codeChallengeMethod: "S256" | "plain" | undefined;
  readonly loginHint: string | undefined;
  /** those of `ui_locales` that pages speak, in order */
  readonly uiLocales: readonly Language[];
  /** the members of `prompt` */
  readonly prompts: readonly string[];
  readonly maxAgeSeconds: number | undefined;
  /** the `sub` of a verified `id_token_hint` */
  readonly hintedSubject: string | undefined;
  /** what `claims` asked for, with `acr_values` */
  readonly claims: StoredClaims;
  /** whether a page sent the browser with them: then no app waits for the answer */
  readonly isSentByPage?: boolean | undefined;
}

/** What of `claims` is stored: who it must be is `hintedSubject`, and what cannot be met was refused. */
export type StoredClaims = Pick<ClaimsRequest, "idToken" | "userinfo" | "acrValues" | "acrIsEssential">;

/** How a person proved to be the one (OIDC Core §2). */
export interface Authentication {
  readonly authTime: number;
  readonly amr: readonly string[];
  readonly acr: string;
  /** the session that it is known from; undefined when the person has just been authenticated */
  readonly sessionId?: string | undefined;
}

/** Where a login begins, or goes on: with a person who is known, or without. */
export interface LoginStart {
  readonly state: LoginState;
  readonly person?: KnownPerson | undefined;
}

/** Who logs in, how that is known, and what the person has agreed to, where it is so. */
export interface KnownPerson {
  readonly identityId: string;
  readonly authentication: Authentication;
  readonly consent?: GivenConsent | undefined;
}

/** The yes of somebody who has to log in again, because the login has grown too old for the client at the question. */
export interface EarlierYes {
  readonly identityId: string;
  readonly consent: GivenConsent;
}

/** What has been agreed to at a login. */
export interface Agreed {
  /** by the person who is known, at this login or before; undefined where nobody was asked yet */
  readonly consent: GivenConsent | undefined;
  /** by somebody who was known; it holds when the same person logs in next */
  readonly earlierYes: EarlierYes | undefined;
}

/** A login at an application's own pages (reference 3.1). */
export interface EmbeddedLogin {
  /** whether the browser was sent to those pages, or the application takes it there itself */
  readonly invocation: "automatic" | "manual";
  /** SHA-256, base64url, of the step secret in the newest `request` JWT: what came before is worth nothing */
  readonly stepHash: string;
  /** of what whoever was authenticated there brings back to us, once: who only began the login has no part in it (rule 35) */
  readonly completionHash?: string | undefined;
  /** whether it was brought: from then on the login is its browser's, as any other */
  readonly isClaimed?: boolean | undefined;
  /** SHA-256, base64url, of the token by which its person gets a link for a passkey, once; and until when, in seconds of tenant time */
  readonly binding?: { readonly hash: string; readonly endsAt: number } | undefined;
}

interface StoredRequest extends Partial<Agreed> {
  readonly parameters?: AuthorizeParameters | undefined;
  readonly authentication?: Authentication | undefined;
  readonly challenge?: string | undefined;
  readonly embedded?: EmbeddedLogin | undefined;
}

/** The JSON of a stored request; what is absent is left out, so that a part can be added later. */
export function writeStoredRequest(stored: StoredRequest): Readonly<Record<string, unknown>> {
  const { parameters, authentication, consent, earlierYes, challenge, embedded } = stored;
  return {
    ...(embedded && { embedded: writeEmbedded(embedded) }),
    ...(challenge !== undefined && { challenge }),
    ...(parameters && {
      client_id: parameters.clientId,
      redirect_uri: parameters.redirectUri,
      response_mode: parameters.responseMode,
      state: parameters.state,
      nonce: parameters.nonce,
      scope: parameters.scope,
      code_challenge: parameters.codeChallenge,
      code_challenge_method: parameters.codeChallengeMethod,
      login_hint: parameters.loginHint,
      ui_locales: parameters.uiLocales.join(" "),
      prompt: parameters.prompts,
      max_age: parameters.maxAgeSeconds,
      hinted_sub: parameters.hintedSubject,
      claims: writeClaims(parameters.claims),
      sent_by_page: parameters.isSentByPage,
    }),
    ...(authentication && {
      auth_time: authentication.authTime,
      amr: authentication.amr,
      acr: authentication.acr,
      session_id: authentication.sessionId,
    }),
    ...(consent && { consent: writeConsent(consent) }),
    ...(earlierYes && {
      earlier_yes: { identity_id: earlierYes.identityId, consent: writeConsent(earlierYes.consent) },
    }),
  };
}

function writeEmbedded(embedded: EmbeddedLogin): Readonly<Record<string, unknown>> {
  const { invocation, stepHash, completionHash, isClaimed, binding } = embedded;
  return {
    ...{ invocation, step_hash: stepHash, completion_hash: completionHash, is_claimed: isClaimed },
    ...(binding && { binding_hash: binding.hash, binding_ends_at: binding.endsAt }),
  };
}

function readEmbedded(stored: unknown): EmbeddedLogin | undefined {
  if (!isObject(stored)) return undefined;
  return {
    invocation: stored.invocation === "manual" ? "manual" : "automatic",
    stepHash: demandText(stored.step_hash),
    completionHash: textOf(stored.completion_hash),
    isClaimed: stored.is_claimed === true,
  };
}

function writeConsent(consent: GivenConsent): Readonly<Record<string, unknown>> {
  return {
    scope: consent.scope,
    claims: consent.claims,
    resource_server_id: consent.resourceServerId,
    max_seconds: consent.maximumSeconds,
    renewal_seconds: consent.renewalSeconds,
    is_remembered: consent.isRemembered,
  };
}

function readConsent(stored: unknown): GivenConsent | undefined {
  if (typeof stored !== "object" || stored === null) return undefined;
  const member = (name: string): unknown => Object.getOwnPropertyDescriptor(stored, name)?.value;
  return {
    scope: textsOf(member("scope")),
    claims: textsOf(member("claims")),
    resourceServerId: textOf(member("resource_server_id")),
    maximumSeconds: demandNumber(member("max_seconds")),
    renewalSeconds: demandNumber(member("renewal_seconds")),
    isRemembered: member("is_remembered") === true,
  };
}

function readEarlierYes(stored: unknown): EarlierYes | undefined {
  const consent = isObject(stored) ? readConsent(stored.consent) : undefined;
  return isObject(stored) && consent ? { identityId: demandText(stored.identity_id), consent } : undefined;
}

/**
 * Reads what `writeStoredRequest` wrote.
 *
 * @throws when the JSON is not ours
 */
export function readStoredRequest(stored: unknown): Agreed & {
  readonly parameters: AuthorizeParameters;
  readonly authentication: Authentication | undefined;
  readonly challenge: string | undefined;
  readonly embedded: EmbeddedLogin | undefined;
} {
  if (typeof stored !== "object" || stored === null) throw new Error("not a stored authorization request");
  const member = (name: string): unknown => Object.getOwnPropertyDescriptor(stored, name)?.value;
  const method = member("code_challenge_method");
  const parameters: AuthorizeParameters = {
    clientId: demandText(member("client_id")),
    redirectUri: demandText(member("redirect_uri")),
    responseMode: demandText(member("response_mode")),
    state: textOf(member("state")),
    nonce: textOf(member("nonce")),
    scope: member("scope") === undefined ? undefined : textsOf(member("scope")),
    codeChallenge: textOf(member("code_challenge")),
    codeChallengeMethod: method === "S256" || method === "plain" ? method : undefined,
    loginHint: textOf(member("login_hint")),
    uiLocales: parseUiLocales(textOf(member("ui_locales"))),
    prompts: textsOf(member("prompt")),
    maxAgeSeconds: numberOf(member("max_age")),
    hintedSubject: textOf(member("hinted_sub")),
    claims: readClaims(member("claims")),
    isSentByPage: member("sent_by_page") === true,
  };
  const authTime = numberOf(member("auth_time"));
  const agreed = { consent: readConsent(member("consent")), earlierYes: readEarlierYes(member("earlier_yes")) };
  const others = { ...agreed, challenge: textOf(member("challenge")), embedded: readEmbedded(member("embedded")) };
  if (authTime === undefined) return { parameters, authentication: undefined, ...others };
  const sessionId = textOf(member("session_id"));
  const authentication = { authTime, amr: textsOf(member("amr")), acr: demandText(member("acr")), sessionId };
  return { parameters, authentication, ...others };
}

/** What `claims` asked for as JSON; undefined for nothing. */
export function writeClaims({
  idToken,
  userinfo,
  acrValues,
  acrIsEssential,
}: StoredClaims): Readonly<Record<string, unknown>> | undefined {
  if (idToken.length + userinfo.length + acrValues.length === 0) return undefined;
  return { id_token: idToken, userinfo, acr_values: acrValues, ...(acrIsEssential && { acr_essential: true }) };
}

/** Reads what `writeClaims` wrote. */
export function readClaims(stored: unknown): StoredClaims {
  const member = (name: string): readonly string[] => (isObject(stored) ? textsOf(stored[name]) : []);
  const acrIsEssential = isObject(stored) && stored.acr_essential === true;
  return { idToken: member("id_token"), userinfo: member("userinfo"), acrValues: member("acr_values"), acrIsEssential };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function demandText(value: unknown): string {
  if (typeof value !== "string") throw new Error("a stored authorization request lacks a member");
  return value;
}

function demandNumber(value: unknown): number {
  const number = numberOf(value);
  if (number === undefined) throw new Error("a stored authorization request lacks a number");
  return number;
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}
