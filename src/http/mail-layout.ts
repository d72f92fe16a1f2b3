import { inOneLine, type Mail } from "../platform/mail.ts";
import type { Language } from "../protocol/language.ts";
import { type ButtonColors, type Palette, paletteOf } from "../protocol/palette.ts";
import { type Html, html } from "./html.ts";
import { DAY, NIGHT } from "./page-style.ts";
import { textsIn } from "./texts/index.ts";

/** How the mails of a realm look. */
export interface MailLook {
  /** as mails call the realm */
  readonly realmName: string;
  /** URLs of pictures: the only thing that a mail loads */
  readonly logo: { readonly light: string | undefined; readonly dark: string | undefined };
  readonly supportUrl: string | undefined;
  readonly colors: ButtonColors;
}

/** A part of a mail, said in text and in HTML. */
export type MailBlock =
  | { readonly kind: "paragraph" | "note"; readonly text: string }
  | { readonly kind: "code"; readonly code: string }
  | { readonly kind: "button"; readonly label: string; readonly url: string }
  | { readonly kind: "facts"; readonly rows: readonly (readonly [name: string, value: string])[] };

/** What a mail is made of. Names from outside may stand in it as they are. */
export interface MailDraft {
  readonly to: string;
  readonly language: Language;
  readonly subject: string;
  readonly heading: string;
  readonly blocks: readonly MailBlock[];
  readonly look: MailLook;
}

/**
 * Makes a mail of its parts, twice: the text says all that the HTML says. Nothing in it can be run or tells that it was read; the
 * realm's logo alone is loaded.
 */
export function composeMail(draft: MailDraft): Mail {
  const { to, subject } = draft;
  return { to, subject: inOneLine(subject), text: renderText(draft), html: renderHtml(draft).markup };
}

function renderText({ blocks, language, look }: MailDraft): string {
  const { mail } = textsIn(language);
  const help = look.supportUrl === undefined ? "" : `\n${mail.help}: ${look.supportUrl}`;
  return `${[...blocks.map(textOf), `${inOneLine(mail.sentBy(look.realmName))}${help}`].join("\n\n")}\n`;
}

function textOf(block: MailBlock): string {
  switch (block.kind) {
    case "paragraph":
    case "note":
      return inOneLine(block.text);
    case "code":
      return `    ${block.code}`;
    case "button":
      return block.url;
    case "facts":
      return block.rows.map((row) => row.map(inOneLine).join(": ")).join("\n");
  }
}

/** What is painted by day, by night and on what; mail programs that know no style sheet have the day's in each element. */
const INK = {
  day: { text: "#171a1c", quiet: "#565e64", line: "#d5d9d7" },
  night: { text: "#e9ecec", quiet: "#a3acb0", line: "#2c3337" },
} as const;
const FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif";
const MONOSPACE = "ui-monospace,SFMono-Regular,Menlo,Consolas,monospace";

function renderHtml(draft: MailDraft): Html {
  const { language, subject, heading, blocks, look } = draft;
  const { mail } = textsIn(language);
  const palette = paletteOf(look.colors, DAY);
  const { text, quiet, line } = INK.day;
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${inOneLine(subject)}</title>
<style>${{ markup: styleOf(look.colors) }}</style>
</head>
<body class="page" style="margin:0;padding:0;background:${DAY.page}">
<div class="page text" style="padding:32px 16px;background:${DAY.page};color:${text};font:16px/1.55 ${FONT}">
<div class="card" style="max-width:448px;margin:0 auto;padding:32px;background:${DAY.card};border:1px solid ${line};border-radius:16px;overflow-wrap:anywhere">
${renderLogo(look)}
<h1 style="margin:0 0 16px;font-size:22px;line-height:1.3;font-weight:650">${inOneLine(heading)}</h1>
${blocks.map((block) => htmlOf(block, { palette, language }))}
</div>
<p class="quiet" style="max-width:448px;margin:16px auto 0;color:${quiet};font-size:13px;text-align:center">${inOneLine(mail.sentBy(look.realmName))}${
    look.supportUrl === undefined
      ? undefined
      : html`<br><a class="accent" href="${look.supportUrl}" style="color:${palette.accent}">${mail.help}</a>`
  }</p>
</div>
</body>
</html>
`;
}

interface Painted {
  readonly palette: Palette;
  readonly language: Language;
}

function htmlOf(block: MailBlock, painted: Painted): Html {
  const { quiet, line } = INK.day;
  switch (block.kind) {
    case "paragraph":
      return html`<p style="margin:0 0 16px">${inOneLine(block.text)}</p>
`;
    case "note":
      return html`<p class="quiet" style="margin:0 0 12px;color:${quiet};font-size:14px">${inOneLine(block.text)}</p>
`;
    case "code":
      return html`<p class="soft" style="margin:0 0 16px;padding:16px 8px;background:${painted.palette.soft};border-radius:10px;font:600 30px/1.2 ${MONOSPACE};letter-spacing:6px;text-align:center">${block.code}</p>
`;
    case "facts":
      return html`<div class="line" style="margin:0 0 16px;padding:12px 0 0;border-top:1px solid ${line}">${block.rows.map(
        ([name, value]) =>
          html`<p style="margin:0 0 8px;font-size:14px"><span class="quiet" style="color:${quiet}">${inOneLine(name)}</span><br>${inOneLine(value)}</p>
`,
      )}</div>
`;
    case "button":
      return renderButton(block, painted);
  }
}

function renderButton({ label, url }: Extract<MailBlock, { kind: "button" }>, { palette, language }: Painted): Html {
  const { button, buttonText, buttonEdge, accent } = palette;
  const { quiet } = INK.day;
  return html`<p style="margin:24px 0"><a class="button" href="${url}" style="display:block;padding:12px 20px;background:${button};color:${buttonText};border:1px solid ${buttonEdge};border-radius:10px;font-weight:650;text-align:center;text-decoration:none">${label}</a></p>
<p class="quiet" style="margin:0 0 16px;color:${quiet};font-size:13px">${textsIn(language).mail.insteadOfButton}<br><a class="accent" href="${url}" style="color:${accent};word-break:break-all">${url}</a></p>
`;
}

// One that was drawn for the other background stands on a plate of that. The name is said where pictures are not shown.
function renderLogo({ logo, realmName }: MailLook): Html {
  const { light, dark } = logo;
  const name = inOneLine(realmName);
  const picture = (url: string, plate: string) =>
    html`<img class="${plate}" src="${url}" alt="${name}" height="40" style="display:block;height:40px;max-width:100%;margin:0 0 24px;border:0">`;
  if (light === undefined && dark === undefined)
    return html`<p class="quiet" style="margin:0 0 8px;color:${INK.day.quiet};font-size:14px;font-weight:600">${name}</p>`;
  if (light === undefined)
    return html`<div style="display:inline-block;margin:0 0 24px;padding:8px 12px;background:${NIGHT.card};border-radius:8px"><img src="${dark}" alt="${name}" height="40" style="display:block;height:40px;max-width:100%;border:0"></div>`;
  if (dark === undefined) return picture(light, "plate");
  return html`<picture><source media="(prefers-color-scheme:dark)" srcset="${dark.replace(/[,\s]/g, encodeURIComponent)}">${picture(light, "logo")}</picture>`;
}

function styleOf(colors: ButtonColors): string {
  const { button, buttonText, buttonEdge, accent, soft } = paletteOf(colors, NIGHT);
  const { text, quiet, line } = INK.night;
  return `:root{color-scheme:light dark;supported-color-schemes:light dark}
@media (max-width:480px){.card{padding:24px 20px!important}}
@media (prefers-color-scheme:dark){.page{background:${NIGHT.page}!important}.text{color:${text}!important}
.card{background:${NIGHT.card}!important;border-color:${line}!important}.line{border-color:${line}!important}
.quiet{color:${quiet}!important}.accent{color:${accent}!important}.soft{background:${soft}!important}
.button{background:${button}!important;color:${buttonText}!important;border-color:${buttonEdge}!important}
.plate{background:${DAY.card};padding:8px 12px;border-radius:8px}}`;
}
