// The colours of a realm's pages, computed of its theme's two so that everything can be read: WCAG 2.2 §1.4.3 asks 4.5:1 of text, §1.4.11
// asks 3:1 of what shows where a control is. Colours are `#rrggbb`.

/** The least contrast of text with what it stands on. */
export const TEXT_CONTRAST_MIN = 4.5;
/** The least contrast of a control's edge with what is around it. */
export const EDGE_CONTRAST_MIN = 3;

/** Steps from a colour to black or white in which one is looked for that can be read. */
const STEPS = 64;
/** How much of the accent is in the tint that notices stand on. */
const SOFT_SHARE = 0.12;
const HOVER_SHARE = 0.14;
/** The luminance at which black and white are equally far. */
const LIGHT_ABOVE = 0.18;
const BLACK = "#000000";
const WHITE = "#ffffff";

/** What a theme wishes. */
export interface ButtonColors {
  readonly background: string;
  readonly text: string;
}

/** What a page is painted on, by day or by night. */
export interface Surface {
  readonly page: string;
  /** on the page, and with the content on it */
  readonly card: string;
}

/** What is painted with a theme's colours. */
export interface Palette {
  readonly button: string;
  readonly buttonText: string;
  readonly buttonHover: string;
  readonly buttonEdge: string;
  /** of links and of the ring around what has the focus */
  readonly accent: string;
  /** behind notices */
  readonly soft: string;
}

/** The colours of a page. The button is as wished; its text is, if it can be read on it; the others follow the button as far as they can. */
export function paletteOf(wish: ButtonColors, surface: Surface): Palette {
  const button = hexOf(channelsOf(wish.background));
  const buttonText = readableOn(button, hexOf(channelsOf(wish.text)));
  const accent = findAccent(button, surface);
  return {
    button,
    buttonText,
    // Away from its text, so that the contrast only grows.
    buttonHover: mix(button, luminanceOf(buttonText) > luminanceOf(button) ? BLACK : WHITE, HOVER_SHARE),
    buttonEdge: contrastOf(button, surface.card) >= EDGE_CONTRAST_MIN ? button : accent,
    accent,
    soft: tint(accent, surface),
  };
}

/** The contrast of two colours, from 1 to 21 (WCAG 2.2, "contrast ratio"). */
export function contrastOf(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminanceOf(one), luminanceOf(other)].toSorted((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

// One of black and white is always readable: at worst by 4.58:1.
function readableOn(background: string, wished: string): string {
  if (contrastOf(wished, background) >= TEXT_CONTRAST_MIN) return wished;
  return contrastOf(WHITE, background) >= contrastOf(BLACK, background) ? WHITE : BLACK;
}

/** The colour nearest to the button's that can be read on the page, on its card and on its own tint. */
function findAccent(button: string, surface: Surface): string {
  const pole = luminanceOf(surface.card) > LIGHT_ABOVE ? BLACK : WHITE;
  for (let step = 0; step < STEPS; step += 1) {
    const accent = mix(button, pole, step / STEPS);
    const grounds = [surface.page, surface.card, tint(accent, surface)];
    if (grounds.every((ground) => contrastOf(accent, ground) >= TEXT_CONTRAST_MIN)) return accent;
  }
  return pole;
}

function tint(accent: string, { card }: Surface): string {
  return mix(card, accent, SOFT_SHARE);
}

function mix(from: string, to: string, share: number): string {
  const target = channelsOf(to);
  return hexOf(channelsOf(from).map((channel, index) => channel + ((target[index] ?? 0) - channel) * share));
}

function hexOf(channels: readonly number[]): string {
  return `#${channels.map((channel) => Math.round(channel).toString(16).padStart(2, "0")).join("")}`;
}

// WCAG 2.2, "relative luminance".
function luminanceOf(color: string): number {
  const [red = 0, green = 0, blue = 0] = channelsOf(color).map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function channelsOf(color: string): readonly number[] {
  return [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
}
