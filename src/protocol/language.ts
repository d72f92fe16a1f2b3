// Languages of pages and mails. Whoever sits before a browser gets the first of: what the client asked for (`ui_locales`, OIDC Core
// §3.1.2.1), what the browser prefers (`Accept-Language`), English. A mail to somebody who may be in no browser at all (an invitation, a
// notice) is in the language of that person's own traits, else in English: `languageOfPerson`.

/** The languages that pages and mails speak, as BCP 47 tags. */
export const LANGUAGES = ["en", "de", "es"] as const;
export type Language = (typeof LANGUAGES)[number];

export const DEFAULT_LANGUAGE: Language = "en";

/** What of a list of languages from outside is looked at, in characters. */
const WISHES_LENGTH_MAX = 512;

/** The language of a page: the first that the client asked for, else the one that the browser prefers, else English. */
export function chooseLanguage(
  uiLocales: readonly Language[] | undefined,
  acceptLanguage: string | undefined,
): Language {
  return uiLocales?.[0] ?? preferredOf(acceptLanguage) ?? DEFAULT_LANGUAGE;
}

/** Those of `ui_locales` that are spoken here, in its order: unknown ones never fail (rule 19, OIDC Core §3.1.2.1). */
export function parseUiLocales(uiLocales: string | undefined): readonly Language[] {
  const tags = (uiLocales ?? "").slice(0, WISHES_LENGTH_MAX).split(" ");
  return [...new Set(tags.flatMap((tag) => languageOfTag(tag) ?? []))];
}

/** The language of a mail to a person, by the traits that name one; English for whoever has not said. */
export function languageOfPerson(traits: {
  readonly preferred_language?: string | undefined;
  readonly locale?: string | undefined;
}): Language {
  // SCIM's preferredLanguage is written as Accept-Language is (RFC 7643 §4.1.1).
  return preferredOf(traits.preferred_language) ?? languageOfTag(traits.locale ?? "") ?? DEFAULT_LANGUAGE;
}

// RFC 9110 §12.5.4; of equal weight the first wins, and a weight of 0 refuses.
function preferredOf(acceptLanguage: string | undefined): Language | undefined {
  let best: { readonly language: Language; readonly weight: number } | undefined;
  for (const wish of (acceptLanguage ?? "").slice(0, WISHES_LENGTH_MAX).split(",")) {
    const [tag = "", ...parameters] = wish.split(";");
    const language = languageOfTag(tag.trim());
    const weight = weightOf(parameters);
    if (language !== undefined && weight > (best?.weight ?? 0)) best = { language, weight };
  }
  return best?.language;
}

function weightOf(parameters: readonly string[]): number {
  const weight = parameters.map((parameter) => /^\s*q=([01](?:\.[0-9]{0,3})?)\s*$/i.exec(parameter)?.[1]);
  return Number(weight.find((one) => one !== undefined) ?? 1);
}

// RFC 4647 §3.4: a tag that is not known is looked up without its end, so that de-AT is de. Locales are written with `_` by some.
function languageOfTag(tag: string): Language | undefined {
  const primary = tag.split(/[-_]/)[0]?.toLowerCase();
  return LANGUAGES.find((language) => language === primary);
}
