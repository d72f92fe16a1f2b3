import assert from "node:assert/strict";
import { test } from "node:test";
import { durationInWords } from "./duration-in-words.ts";

test("a duration is said exactly, in the largest units, in each language", () => {
  const said: readonly (readonly [number, string, string, string])[] = [
    [0, "0 seconds", "0 Sekunden", "0 segundos"],
    [1, "1 second", "1 Sekunde", "1 segundo"],
    [900, "15 minutes", "15 Minuten", "15 minutos"],
    [3_600, "1 hour", "1 Stunde", "1 hora"],
    [
      5_430,
      "1 hour, 30 minutes, 30 seconds",
      "1 Stunde, 30 Minuten und 30 Sekunden",
      "1 hora, 30 minutos, 30 segundos",
    ],
    [86_400, "1 day", "1 Tag", "1 día"],
    [315_360_000, "3,650 days", "3.650 Tage", "3650 días"],
  ];
  for (const [seconds, ...words] of said) {
    assert.deepEqual(
      ["en", "de", "es"].map((language) => durationInWords(seconds, language)),
      words,
    );
  }
});
