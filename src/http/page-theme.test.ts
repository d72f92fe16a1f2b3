import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "../platform/hash.ts";
import { contrastOf, TEXT_CONTRAST_MIN } from "../protocol/palette.ts";
import { html } from "./html.ts";
import { PAGE_COLORS } from "./page-style.ts";
import type { PageTheme } from "./page-theme.ts";
import { pageReply } from "./pages.ts";

const LIGHT = "https://cdn.example/light.svg";
const DARK = "https://night.example:8443/dark.svg";
const PLAIN: PageTheme = { logo: { light: undefined, dark: undefined }, supportUrl: undefined, colors: undefined };

function show(theme: Partial<PageTheme>): { readonly body: string; readonly policy: string } {
  const application = { name: "Shoes", realm: "Customers" };
  const page = { status: 200, language: "en", title: "T", content: html`<h1>T</h1>`, isTestTenant: false } as const;
  const { body, headers } = pageReply({ ...page, application, theme: { ...PLAIN, ...theme } });
  return { body: String(body), policy: String(headers?.["content-security-policy"]) };
}

test("a logo replaces the initial, and pictures load from its origins and nowhere else", () => {
  const { body, policy } = show({ logo: { light: LIGHT, dark: DARK } });
  assert.match(
    body,
    /<source media="\(prefers-color-scheme:dark\)" srcset="https:\/\/night\.example:8443\/dark\.svg">/,
  );
  assert.match(body, /<img class="logo" src="https:\/\/cdn\.example\/light\.svg" alt="">/);
  assert.doesNotMatch(body, />S<\/b>/);
  assert.match(policy, /; img-src https:\/\/cdn\.example https:\/\/night\.example:8443;/);
  assert.doesNotMatch(show({}).policy, /img-src/);
  assert.match(show({}).body, />S<\/b>/);
});

test("one logo serves day and night, on a plate of the colour that it was drawn for", () => {
  assert.match(
    show({ logo: { light: LIGHT, dark: undefined } }).body,
    /<img class="logo on-light" src="[^"]*light\.svg"/,
  );
  assert.match(show({ logo: { light: undefined, dark: DARK } }).body, /<img class="logo on-dark" src="[^"]*dark\.svg"/);
});

test("no address of a picture breaks out of its attribute or of the policy", () => {
  const url = `https://a;script-src/x,y"z 1x`;
  const { body, policy } = show({ logo: { light: url, dark: url } });
  assert.match(policy, /; img-src https:;/);
  assert.equal(policy.split(";").filter((directive) => /^ *script-src/.test(directive)).length, 0);
  assert.match(body, /srcset="https:\/\/a;script-src\/x%2Cy&quot;z%201x"/);
  assert.doesNotMatch(body, /y"z/);
});

test("a theme's colours are a style of their own, which the policy names by its hash", () => {
  const { body, policy } = show({ colors: { background: "#1D4ED8", text: "#FFFFFF" } });
  const styles = [...body.matchAll(/<style>([^<]*)<\/style>/g)].map(([, style = ""]) => style);
  assert.equal(styles.length, 2);
  assert.match(styles[1] ?? "", /^:root\{--button:#1d4ed8;--button-text:#ffffff;/);
  const sources = styles.map((style) => `'sha256-${sha256(style).toString("base64")}'`);
  assert.ok(policy.includes(`style-src ${sources.join(" ")};`));
  assert.equal([...show({}).body.matchAll(/<style>/g)].length, 1);
});

test("the support link opens beside the login and tells nothing of it", () => {
  const { body } = show({ supportUrl: "https://help.example/?a=1&b=2" });
  assert.match(
    body,
    /<a href="https:\/\/help\.example\/\?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">Help<\/a>/,
  );
  assert.doesNotMatch(show({}).body, /<a /);
});

test("the built-in colours can be read, by day and by night", () => {
  const [day = "", night = ""] = PAGE_COLORS.split("prefers-color-scheme");
  for (const declarations of [day, night]) {
    const color = (name: string): string => {
      const value = new RegExp(`--${name}:(#[0-9a-f]+)[;}]`).exec(declarations)?.[1] ?? "";
      return value.length === 4 ? `#${[...value.slice(1)].map((digit) => digit + digit).join("")}` : value;
    };
    for (const [front, ...grounds] of [
      ["text", "page", "card", "soft"],
      ["quiet", "page", "card"],
      ["accent", "page", "card", "soft"],
      ["button-text", "button", "button-hover"],
      ["wrong", "card", "wrong-soft"],
      ["mark", "mark-soft"],
    ] as const) {
      for (const ground of grounds)
        assert.ok(contrastOf(color(front), color(ground)) >= TEXT_CONTRAST_MIN, `${front} on ${ground}`);
    }
  }
});
