import { DatabaseUnavailable } from "../database/database-error.ts";
import { type PageFailure, type PageSurroundings, pageFailureOf } from "../http/pages.ts";
import { type HttpRequest, realmKeyOf } from "../http/route.ts";
import { visitorLanguage } from "../http/visitor-language.ts";
import type { ApplicationContext, RealmKey } from "../protocol/client-metadata.ts";
import type { Language } from "../protocol/language.ts";
import type { RealmFacts } from "../resources/realm/queries.ts";
import { pageThemeOf } from "../resources/theme/rules.ts";
import type { Services } from "./services.ts";

/** What is around every page of an application: the look of its realm. */
export async function findSurroundings(
  services: Services,
  { key, client, realm, tenant }: ApplicationContext,
  language: Language,
): Promise<PageSurroundings> {
  const facts = await services.directory.facts(key);
  return {
    language,
    application: { name: client.displayName, realm: realm.displayName },
    theme: facts && pageThemeOf(facts.theme),
    isTestTenant: tenant.kind === "test",
  };
}

/**
 * How a page fails below a realm: in its look, also where there is no such application.
 *
 * @param uiLocales what the client asked for, where that is known; otherwise the query says it
 */
export async function findPageFailure(
  services: Services,
  request: HttpRequest,
  uiLocales?: readonly Language[],
): Promise<PageFailure> {
  const realm = realmKeyOf(request);
  const facts = realm && (await findFacts(services, realm));
  return {
    ...pageFailureOf(request, services.deps.log),
    language: visitorLanguage(request, uiLocales),
    theme: facts && pageThemeOf(facts.theme),
    isTestTenant: facts?.tenantKind === "test",
  };
}

// A page that says the database is away needs none.
async function findFacts({ directory }: Services, realm: RealmKey): Promise<RealmFacts | undefined> {
  try {
    return await directory.facts(realm);
  } catch (error) {
    if (error instanceof DatabaseUnavailable) return undefined;
    throw error;
  }
}
