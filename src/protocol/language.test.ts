import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { chooseLanguage, LANGUAGES, languageOfPerson, parseUiLocales } from "./language.ts";

const UI_LOCALES = [
  [undefined, []],
  ["", []],
  ["de", ["de"]],
  ["fr-CA fr es-419 en", ["es", "en"]],
  ["DE-at de de-CH", ["de"]],
  ["den esx d", []],
  ["es_ES", ["es"]],
] as const;
for (const [sent, expected] of UI_LOCALES) {
  test(`ui_locales ${JSON.stringify(sent)} asks for ${expected.join(", ") || "nothing that is spoken here"}`, () => {
    assert.deepEqual(parseUiLocales(sent), expected);
  });
}

const PREFERRED = [
  [undefined, "en"],
  ["*", "en"],
  ["de-CH, de;q=0.9, en;q=0.8", "de"],
  ["en;q=0.8, es;q=0.9", "es"],
  ["fr, es;q=0.1", "es"],
  ["de;q=0, es;q=0.5", "es"],
  ["de;q=0", "en"],
  ["es;level=1;q=0.5,de;q=0.4", "es"],
  ["de , es", "de"],
] as const;
for (const [sent, expected] of PREFERRED) {
  test(`a browser that prefers ${JSON.stringify(sent)} is spoken to in ${expected}`, () => {
    assert.equal(chooseLanguage([], sent), expected);
  });
}

test("what the client asks for goes before what the browser prefers", () => {
  assert.equal(chooseLanguage(["es", "de"], "de"), "es");
  assert.equal(chooseLanguage(undefined, "de"), "de");
});

test("no text from outside fails, however odd (rule 19)", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (uiLocales, acceptLanguage) => {
      assert.ok(LANGUAGES.includes(chooseLanguage(parseUiLocales(uiLocales), acceptLanguage)));
    }),
  );
});

test("a mail is in the language of its reader's traits, else in English", () => {
  assert.equal(languageOfPerson({ preferred_language: "fr, de;q=0.7", locale: "es-ES" }), "de");
  assert.equal(languageOfPerson({ preferred_language: "fr", locale: "es_MX" }), "es");
  assert.equal(languageOfPerson({ locale: "tlh" }), "en");
  assert.equal(languageOfPerson({}), "en");
});
