import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { LANGUAGES } from "../../protocol/language.ts";
import { textsIn } from "./index.ts";

/** Entries that are rightly the same in two languages. */
const SAME: readonly string[] = ["de login.code.label", "de mail.passkey", "de mail.browser"];

/** Every text of a catalogue by its path; one that takes parameters is said with marks in their place. */
function readTexts(value: unknown, path = ""): ReadonlyMap<string, string> {
  if (typeof value === "string") return new Map([[path, value]]);
  if (typeof value === "function") return new Map([[path, sayWithMarks(value)]]);
  if (typeof value !== "object" || value === null) throw new Error(`${path} is no text`);
  if ("markup" in value) throw new Error(`${path} is markup: make it a function or a text`);
  return new Map(
    Object.entries(value).flatMap(([name, one]) => [...readTexts(one, path === "" ? name : `${path}.${name}`)]),
  );
}

function sayWithMarks(say: object & { readonly length: number }): string {
  if (typeof say !== "function") throw new Error("not a text with parameters");
  const marks = Array.from({ length: say.length }, (_, index) => `‹${index}›`);
  const said: unknown = Reflect.apply(say, undefined, marks);
  if (typeof said === "object" && said !== null && "markup" in said) return String(said.markup);
  if (typeof said === "string") return said;
  throw new Error("a text with parameters says neither text nor markup");
}

function marksOf(text: string): readonly string[] {
  return [...new Set(text.match(/‹[0-9]+›/g))].toSorted();
}

const english = readTexts(withoutLanguage("en"));

function withoutLanguage(language: (typeof LANGUAGES)[number]): unknown {
  const { language: _, ...areas } = textsIn(language);
  return areas;
}

for (const language of LANGUAGES) {
  test(`the catalogue of ${language} says everything, with the same parameters`, () => {
    const texts = readTexts(withoutLanguage(language));
    assert.deepEqual([...texts.keys()].toSorted(), [...english.keys()].toSorted());
    for (const [path, text] of texts) {
      assert.notEqual(text.trim(), "", path);
      assert.deepEqual(marksOf(text), marksOf(english.get(path) ?? ""), path);
    }
  });

  test(`every area of ${language} is a file that its catalogue names`, () => {
    const files = readdirSync(new URL(`./${language}/`, import.meta.url)).filter((name) => name !== "index.ts");
    assert.deepEqual(
      files.map((name) => name.replace(/\.ts$/, "")).toSorted(),
      Object.keys(withoutLanguage(language) ?? {}).toSorted(),
    );
  });

  if (language !== "en") {
    test(`nothing of the catalogue of ${language} was left in English`, () => {
      const texts = readTexts(withoutLanguage(language));
      const same = [...texts]
        .filter(([path, text]) => text === english.get(path))
        .map(([path]) => `${language} ${path}`);
      assert.deepEqual(
        same,
        SAME.filter((name) => name.startsWith(`${language} `)),
      );
    });
  }
}
