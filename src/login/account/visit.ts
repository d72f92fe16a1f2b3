import type { PageSurroundings } from "../../http/pages.ts";
import { type HttpRequest, realmKeyOf } from "../../http/route.ts";
import { readSessionCookie } from "../../http/session-cookie.ts";
import { type Texts, textsIn } from "../../http/texts/index.ts";
import { visitorLanguage } from "../../http/visitor-language.ts";
import { ACR } from "../../protocol/acr.ts";
import type { RealmKey, SessionPolicy } from "../../protocol/client-metadata.ts";
import { OAuthError } from "../../protocol/oauth-error.ts";
import { isSessionOpen } from "../../protocol/session.ts";
import { readBrowserSession } from "../../resources/browser-session.ts";
import type { Credential } from "../../resources/credential/queries.ts";
import type { EventSource } from "../../resources/event-source.ts";
import { findIdentity, type Identity } from "../../resources/identity/queries.ts";
import { sessionPolicyOf } from "../../resources/realm/rules.ts";
import type { Session } from "../../resources/session/queries.ts";
import { pageThemeOf } from "../../resources/theme/rules.ts";
import { type AccountRealm, findAccountRealm } from "../account-realm.ts";
import type { LoginServices } from "../services.ts";

/** How long after an authentication a person may change the account, in seconds of tenant time. */
const RECENT_SECONDS = 900;

/** A browser at a realm's account page. */
export interface AccountPlace {
  readonly services: LoginServices;
  readonly http: HttpRequest;
  readonly realm: RealmKey;
  readonly realmName: string;
  readonly texts: Texts;
  /** what is around the page */
  readonly surroundings: PageSurroundings;
  /** by which the person can log in here */
  readonly methods: AccountRealm["methods"];
  /** seconds of tenant time */
  readonly now: number;
}

/** A browser whose person is known there, from its session of the realm. */
export interface AccountVisit extends AccountPlace {
  readonly session: Session;
  readonly sessionPolicy: SessionPolicy;
  readonly identity: Identity;
  /** the session's: what forms are keyed with */
  readonly secret: Uint8Array;
  /** whether the person has just proved to be there: who finds a browser left open changes nothing */
  readonly isRecent: boolean;
}

/**
 * Finds the account that a browser's session opens.
 *
 * @throws OAuthError 404 for a realm that does not exist
 */
export async function openAccount(services: LoginServices, http: HttpRequest): Promise<AccountPlace | AccountVisit> {
  const { clock, config, database } = services.deps;
  const key = realmKeyOf(http);
  const db = database.tenants(key === undefined ? [] : [key.tenantId]);
  const found = key && (await findAccountRealm(db, key));
  if (found === undefined) throw new OAuthError("invalid_client", "no such realm", { status: 404 });
  const { facts, realm } = found;
  const place = placeOf(services, http, { ...found, now: clock.nowSeconds() + facts.clockOffsetSeconds });
  const sessionPolicy = sessionPolicyOf(realm.settings);
  const session = await readBrowserSession(services.deps, http, realm.key);
  if (session === undefined || !isSessionOpen(session, sessionPolicy, place.now)) return place;
  const identity = await findIdentity(db, { ...realm.key, identityId: session.identityId });
  const cookie = readSessionCookie(http, { publicUrl: config.publicUrl, realmId: realm.key.realmId });
  if (identity === undefined || cookie === undefined) return place;
  const application = { name: place.realmName, realm: identity.displayName };
  return {
    ...place,
    surroundings: { ...place.surroundings, application },
    ...{ session, sessionPolicy, identity, secret: cookie.secret },
    isRecent: place.now - session.authTime < RECENT_SECONDS,
  };
}

/** Whether the person is known. */
export function isKnown(place: AccountPlace | AccountVisit): place is AccountVisit {
  return "session" in place;
}

/**
 * Whether the person may add and remove passkeys: after a login of a moment ago, and where there are passkeys, by one of them. Otherwise
 * whoever reads the person's mail could make a passkey, and with it reach the applications that take no code.
 */
export function mayChangePasskeys({ isRecent, session }: AccountVisit, passkeys: readonly Credential[]): boolean {
  return isRecent && (session.acr !== ACR.code || passkeys.length === 0);
}

/** Who did it, and in which request, for events. */
export function sourceOf({ services, http, session }: AccountVisit): EventSource {
  const { traceId, correlationId } = http;
  const actor = { type: "Identity", id: session.identityId } as const;
  return { actor, traceId, correlationId, atMs: services.deps.clock.nowMs() };
}

function placeOf(
  services: LoginServices,
  http: HttpRequest,
  { facts, realm, ...found }: AccountRealm & Pick<AccountPlace, "now">,
): AccountPlace {
  const language = visitorLanguage(http);
  const realmName = realm.settings.display_name;
  const theme = pageThemeOf(facts.theme);
  return {
    ...{ services, http, realm: realm.key, realmName, ...found },
    texts: textsIn(language),
    surroundings: { language, theme, isTestTenant: facts.tenantKind === "test" },
  };
}
