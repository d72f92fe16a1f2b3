import { readLoginCookie } from "../http/cookies.ts";
import type { LoginOver } from "../http/login-over-page.ts";
import type { PageTheme } from "../http/page-theme.ts";
import type { HttpRequest } from "../http/route.ts";
import { type Texts, textsIn } from "../http/texts/index.ts";
import { visitorLanguage } from "../http/visitor-language.ts";
import type { Language } from "../protocol/language.ts";
import type { AuthenticationMethod } from "../protocol/webauthn/passkey-methods.ts";
import type { AuthenticatorSettings } from "../resources/authenticator-config/schema.ts";
import {
  type AuthorizationRequest,
  type AuthorizationRequestKey,
  findAuthorizationRequest,
} from "../resources/authorization-request/queries.ts";
import { isSameBrowser, needsCompletionSecret, pathRequestKeyOf } from "../resources/authorization-request/rules.ts";
import { pageThemeOf, THEME_DEFAULTS } from "../resources/theme/rules.ts";
import { findLoginContext, type LoginContext } from "./login-context.ts";
import { usableMethods } from "./login-methods.ts";
import type { LoginServices } from "./services.ts";

/** A browser at the login pages, with the login it has begun. */
export interface Visit {
  readonly services: LoginServices;
  readonly http: HttpRequest;
  readonly stored: AuthorizationRequest;
  readonly context: LoginContext;
  /** what every page is said in */
  readonly texts: Texts;
  /** how every page looks */
  readonly theme: PageTheme;
  /** where and by which methods the person may log in */
  readonly authenticator: AuthenticatorSettings;
  readonly methods: readonly AuthenticationMethod[];
  /** what codes and forms are keyed with: the browser's own, or at an application's pages the seed of their requests */
  readonly secret: Uint8Array;
  /** seconds of tenant time */
  readonly now: number;
}

/** A browser that has nothing to do here. */
export interface RefusedVisit {
  readonly over: LoginOver;
  readonly language: Language;
  readonly theme?: PageTheme;
  readonly isTestTenant: boolean;
}

/** A login that is open, and what is around it. Who may act in it is not judged yet. */
export interface FoundLogin extends Omit<Visit, "methods" | "secret"> {
  readonly refuse: (over: LoginOver) => RefusedVisit;
}

/** Finds the login that a path names, as it is at this moment, if it is this browser's and still open. */
export async function openVisit(services: LoginServices, http: HttpRequest): Promise<Visit | RefusedVisit> {
  const { clock, config } = services.deps;
  const key = pathRequestKeyOf(http, clock.nowSeconds());
  const found = await findLogin(services, http, key);
  if ("over" in found) return found;
  const { stored } = found;
  const secret = readLoginCookie(http, { publicUrl: config.publicUrl, realmId: stored.realmId, requestId: stored.id });
  // Rule 35: what happens in a login happens in the browser that began it.
  if (secret === undefined || !isSameBrowser(secret, stored.browserHash)) return found.refuse("other_browser");
  if (needsCompletionSecret(stored)) return found.refuse("other_browser");
  // Where the application has pages of its own, nobody is authenticated at ours.
  return { ...found, methods: stored.embedded === undefined ? methodsOf(found) : [], secret };
}

/** Finds a login that is open, with what is around it. */
export async function findLogin(
  services: LoginServices,
  http: HttpRequest,
  key: AuthorizationRequestKey | undefined,
): Promise<FoundLogin | RefusedVisit> {
  const { clock, database } = services.deps;
  if (key === undefined) return { over: "unknown", language: visitorLanguage(http), isTestTenant: false };
  const db = database.tenants([key.tenantId]);
  const [facts, stored] = await Promise.all([services.findRealmFacts(key), findAuthorizationRequest(db, key)]);
  const language = visitorLanguage(http, stored?.parameters.uiLocales);
  const texts = textsIn(language);
  const context = stored && (await findLoginContext(db, stored, texts));
  const theme = pageThemeOf(facts?.theme ?? THEME_DEFAULTS);
  const refuse = (over: LoginOver): RefusedVisit => ({
    over,
    language,
    theme,
    isTestTenant: facts?.tenantKind === "test",
  });
  if (stored === undefined || context === undefined) return refuse("unknown");
  const now = clock.nowSeconds() + context.tenant.clockOffsetSeconds;
  if (stored.completedAt !== undefined) return refuse("answered");
  if (stored.expiresAt <= now) return refuse("expired");
  return { services, http, stored, context, texts, theme, authenticator: context.authenticator, now, refuse };
}

/** The methods that a login may end by. */
export function methodsOf({ authenticator, stored }: Pick<Visit, "authenticator" | "stored">): Visit["methods"] {
  return usableMethods(authenticator.authentication_methods ?? [], stored.parameters.claims);
}

/** Records what happened at this visit (rule 24): never a code, a secret or an address. */
export function recordLogin(visit: Visit, outcome: string, facts: Readonly<Record<string, unknown>> = {}): void {
  visit.services.decisions.record({
    ...visit.context.key,
    traceId: visit.http.traceId,
    kind: "login",
    outcome,
    facts: { request_id: visit.stored.id, ...facts },
  });
}
