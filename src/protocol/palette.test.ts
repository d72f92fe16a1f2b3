import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { contrastOf, EDGE_CONTRAST_MIN, paletteOf, TEXT_CONTRAST_MIN } from "./palette.ts";

const DAY = { page: "#f3f4f1", card: "#ffffff" };
const NIGHT = { page: "#0e1113", card: "#171b1e" };
const anyColor = fc.integer({ min: 0, max: 0xffffff }).map((color) => `#${color.toString(16).padStart(6, "0")}`);

test("contrast is that of WCAG", () => {
  assert.equal(contrastOf("#ffffff", "#000000"), 21);
  assert.equal(contrastOf("#777777", "#777777"), 1);
  assert.ok(Math.abs(contrastOf("#767676", "#ffffff") - 4.54) < 0.01, "the lightest grey that can be read on white");
  assert.equal(contrastOf("#0b6658", "#ffffff"), contrastOf("#ffffff", "#0b6658"));
});

test("whatever a theme wishes, everything can be read, by day and by night (WCAG 2.2 §1.4.3, §1.4.11)", () => {
  fc.assert(
    fc.property(anyColor, anyColor, (background, text) => {
      for (const surface of [DAY, NIGHT]) {
        const palette = paletteOf({ background, text }, surface);
        for (const [front, back, least] of [
          [palette.buttonText, palette.button, TEXT_CONTRAST_MIN],
          [palette.buttonText, palette.buttonHover, TEXT_CONTRAST_MIN],
          [palette.accent, surface.card, TEXT_CONTRAST_MIN],
          [palette.accent, surface.page, TEXT_CONTRAST_MIN],
          [palette.accent, palette.soft, TEXT_CONTRAST_MIN],
          [palette.buttonEdge, surface.card, EDGE_CONTRAST_MIN],
        ] as const) {
          assert.ok(contrastOf(front, back) >= least, `${front} on ${back}: ${JSON.stringify(palette)}`);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test("what can be read stays as it was wished", () => {
  fc.assert(
    fc.property(anyColor, anyColor, (background, text) => {
      const palette = paletteOf({ background, text }, DAY);
      assert.equal(palette.button, background);
      if (contrastOf(background, text) >= TEXT_CONTRAST_MIN) assert.equal(palette.buttonText, text);
    }),
  );
  const { accent, buttonEdge } = paletteOf({ background: "#1D4ED8", text: "#FFFFFF" }, DAY);
  assert.deepEqual([accent, buttonEdge], ["#1d4ed8", "#1d4ed8"]);
});

test("a text that cannot be read on its button is black or white, and a pale button has an edge", () => {
  assert.equal(paletteOf({ background: "#ffd400", text: "#ffffff" }, DAY).buttonText, "#000000");
  assert.equal(paletteOf({ background: "#123456", text: "#000000" }, DAY).buttonText, "#ffffff");
  const pale = paletteOf({ background: "#fff8dc", text: "#222222" }, DAY);
  assert.equal(pale.buttonEdge, pale.accent);
});
