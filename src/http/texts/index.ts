// Every text that a person reads, by language and area. An area is a file of each language and a line of its index; what English has, the
// others must have, or nothing compiles.

import type { Language } from "../../protocol/language.ts";
import * as de from "./de/index.ts";
import * as en from "./en/index.ts";
import * as es from "./es/index.ts";

/** The texts of one language, by area. */
export type Texts = typeof en & { readonly language: Language };

const CATALOGUES: Readonly<Record<Language, typeof en>> = { en, de, es };

/** What is said in a language. */
export function textsIn(language: Language): Texts {
  return { ...CATALOGUES[language], language };
}
