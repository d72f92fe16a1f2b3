import { sha256 } from "../platform/hash.ts";
import { type ButtonColors, type Palette, paletteOf } from "../protocol/palette.ts";
import { type Html, html } from "./html.ts";
import { DAY, NIGHT } from "./page-style.ts";

/** How the pages of a realm differ from the built-in look. */
export interface PageTheme {
  /** URLs of pictures, which browsers load; with one of the two it is shown by day and by night */
  readonly logo: { readonly light: string | undefined; readonly dark: string | undefined };
  readonly supportUrl: string | undefined;
  /** undefined: the built-in ones */
  readonly colors: ButtonColors | undefined;
}

/** A style that a page carries, and its source for the content security policy. */
export interface ThemeStyle {
  readonly style: string;
  readonly source: string;
}

/** Pairs of colours whose style is kept. */
const STYLES_MAX = 1_000;
const styles = new Map<string, ThemeStyle>();

/** The style that paints a page with a theme's colours; undefined for the built-in ones. Made once for two colours. */
export function themeStyleOf(theme: PageTheme | undefined): ThemeStyle | undefined {
  const colors = theme?.colors;
  if (colors === undefined) return undefined;
  const name = `${colors.background} ${colors.text}`.toLowerCase();
  const known = styles.get(name);
  if (known !== undefined) return known;
  const made = makeStyle(colors);
  const oldest = styles.keys().next();
  if (styles.size >= STYLES_MAX && !oldest.done) styles.delete(oldest.value);
  styles.set(name, made);
  return made;
}

function makeStyle(colors: ButtonColors): ThemeStyle {
  const day = declare(paletteOf(colors, DAY));
  const night = declare(paletteOf(colors, NIGHT));
  const style = `:root{${day}}@media (prefers-color-scheme:dark){:root{${night}}}`;
  return { style, source: sourceOfStyle(style) };
}

function declare({ button, buttonText, buttonHover, buttonEdge, accent, soft }: Palette): string {
  return `--button:${button};--button-text:${buttonText};--button-hover:${buttonHover};--button-edge:${buttonEdge};--accent:${accent};--soft:${soft}`;
}

/** A style as a CSP source: nothing else in a page is one. */
export function sourceOfStyle(style: string): string {
  return `'sha256-${sha256(style).toString("base64")}'`;
}

/** The URLs of the pictures that a page loads. */
export function picturesOf(theme: PageTheme | undefined): readonly string[] {
  return [theme?.logo.light, theme?.logo.dark].filter((url) => url !== undefined);
}

/** The logo; undefined where there is none. One that was drawn for the other background stands on a plate of that. */
export function renderLogo(theme: PageTheme | undefined): Html | undefined {
  const { light, dark } = theme?.logo ?? {};
  if (light === undefined)
    return dark === undefined ? undefined : html`<img class="logo on-dark" src="${dark}" alt="">`;
  if (dark === undefined) return html`<img class="logo on-light" src="${light}" alt="">`;
  return html`<picture><source media="(prefers-color-scheme:dark)" srcset="${srcsetOf(dark)}"><img class="logo" src="${light}" alt=""></picture>`;
}

// In a srcset a space ends a URL, and a comma at its end does.
function srcsetOf(url: string): string {
  return url.replace(/[,\s]/g, encodeURIComponent);
}
