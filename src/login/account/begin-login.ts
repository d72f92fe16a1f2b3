import { setLoginCookie } from "../../http/cookies.ts";
import { redirectReply } from "../../http/pages.ts";
import type { HttpReply } from "../../http/route.ts";
import { askedLanguage } from "../../http/visitor-language.ts";
import { sha256 } from "../../platform/hash.ts";
import { ACR, isAnyAcrReachable, reachableAcrs } from "../../protocol/acr.ts";
import { NO_CLAIMS } from "../../protocol/claims-request.ts";
import { parseQuery } from "../../protocol/parameters.ts";
import { accountPath } from "../../resources/account-path.ts";
import {
  BROWSER_SECRET_BYTES,
  loginPath,
  newAuthorizationRequestId,
  newChallenge,
} from "../../resources/authorization-request/rules.ts";
import {
  AUTHORIZATION_REQUEST_LIFETIME_SECONDS,
  type AuthorizeParameters,
} from "../../resources/authorization-request/schema.ts";
import { storeAuthorizationRequest } from "../../resources/store-authorization-request.ts";
import { admitLogin } from "../admit-login.ts";
import { accountAddress } from "./address.ts";
import { type AccountPlace, type AccountVisit, isKnown } from "./visit.ts";

/** What the query says where only a passkey is enough. */
export const BY_PASSKEY = { name: "by", value: "passkey" } as const;

/**
 * Begins a login that ends at the account page, whoever is known here: it is asked for to prove who that is once more. Where it ends, no
 * parameter says.
 */
export async function beginAccountLogin(place: AccountPlace | AccountVisit): Promise<HttpReply> {
  const { services, http, realm, now } = place;
  if (http.method === "HEAD") return { status: 204 }; // a look begins no login
  if (place.methods.length === 0) return redirectReply(accountAddress(place));
  await admitLogin(services, place, (limit) => recordLimit(place, limit));
  const { clock, config, database, random } = services.deps;
  const id = newAuthorizationRequestId(random, http.traceId, clock.nowSeconds());
  const secret = random.bytes(BROWSER_SECRET_BYTES);
  const stored = await storeAuthorizationRequest(database, {
    ...realm,
    applicationId: undefined,
    id,
    browserHash: sha256(secret),
    parameters: parametersOf(place),
    challenge: newChallenge(random),
    createdAt: now,
    expiresAt: now + AUTHORIZATION_REQUEST_LIFETIME_SECONDS,
    start: { state: "email" },
  });
  const cookie = { publicUrl: config.publicUrl, realmId: realm.realmId, requestId: id };
  const login = { secret, lifetimeSeconds: AUTHORIZATION_REQUEST_LIFETIME_SECONDS };
  return redirectReply(loginPath(stored), setLoginCookie(http, cookie, login));
}

// No client asks for anything: what a client would say is empty, and the page itself is where the browser goes back to.
function parametersOf(place: AccountPlace | AccountVisit): AuthorizeParameters {
  const { services, http, realm } = place;
  const language = askedLanguage(http);
  const acr = { acrValues: [ACR.passkey], acrIsEssential: true };
  return {
    clientId: "",
    redirectUri: services.deps.config.publicUrl + accountPath(realm),
    responseMode: "query",
    state: undefined,
    nonce: undefined,
    scope: [],
    codeChallenge: undefined,
    codeChallengeMethod: undefined,
    loginHint: isKnown(place) ? place.identity.traits.primary_email_address : undefined,
    uiLocales: language === undefined ? [] : [language],
    prompts: ["login"],
    maxAgeSeconds: undefined,
    hintedSubject: undefined,
    claims: asksForPasskey(place) ? { ...NO_CLAIMS, ...acr } : NO_CLAIMS,
  };
}

// A realm without passkeys has other ways in, which are better than none.
function asksForPasskey({ http, methods }: AccountPlace): boolean {
  const { values } = parseQuery(http.queryString, { duplicates: "report" });
  return values.get(BY_PASSKEY.name) === BY_PASSKEY.value && isAnyAcrReachable([ACR.passkey], reachableAcrs(methods));
}

function recordLimit({ services, http, realm }: AccountPlace, limit: unknown): void {
  const decision = { ...realm, applicationId: undefined, traceId: http.traceId } as const;
  services.decisions.record({ ...decision, kind: "login", outcome: "limit_reached", facts: { limit } });
}
