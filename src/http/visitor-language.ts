import { chooseLanguage, type Language, parseUiLocales } from "../protocol/language.ts";
import { type HttpRequest, headerOf } from "./route.ts";

/** The language that the address of a page asks for, if it is spoken here: its forms and links ask for it, too. */
export function askedLanguage(http: HttpRequest): Language | undefined {
  return parseUiLocales(askedInQuery(http))[0];
}

/**
 * The language of whoever sits before a browser.
 *
 * @param uiLocales what the client asked for, where that is known; otherwise the query says it
 */
export function visitorLanguage(http: HttpRequest, uiLocales = parseUiLocales(askedInQuery(http))): Language {
  return chooseLanguage(uiLocales, headerOf(http, "accept-language"));
}

// What is asked for twice is asked for not at all: an error page has a language, too.
function askedInQuery({ query }: HttpRequest): string | undefined {
  if (typeof query !== "object" || query === null) return undefined;
  const asked: unknown = Object.getOwnPropertyDescriptor(query, "ui_locales")?.value;
  return typeof asked === "string" ? asked : undefined;
}
