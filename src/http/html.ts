/** Markup that is safe to send: made by `html` only. */
export interface Html {
  readonly markup: string;
}

/** What a template takes: text is escaped, markup is not, undefined is nothing. */
export type HtmlValue = string | number | Html | readonly Html[] | undefined;

/** Writes markup; every value that is text is escaped, for elements and for attributes in double quotes. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return { markup: parts.map((part, index) => part + markupOf(values[index])).join("") };
}

function markupOf(value: HtmlValue): string {
  if (value === undefined) return "";
  if (typeof value === "string" || typeof value === "number") return escapeText(String(value));
  return "markup" in value ? value.markup : value.map(({ markup }) => markup).join("");
}

/** An address or a user name, which may go on in another line before its `@` rather than within a word. */
export function breakable(name: string): Html {
  const [first = "", ...rest] = name.split("@");
  return html`${first}${rest.map((part) => html`<wbr>@${part}`)}`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}
