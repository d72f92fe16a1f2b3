import type { Log } from "../platform/log.ts";
import type { Language } from "../protocol/language.ts";
import { durationInWords } from "./duration-in-words.ts";
import { type FailureContext, replyToError } from "./errors.ts";
import { type Html, html } from "./html.ts";
import { PAGE_STYLE } from "./page-style.ts";
import { type PageTheme, picturesOf, renderLogo, sourceOfStyle, themeStyleOf } from "./page-theme.ts";
import { type HttpReply, type HttpRequest, headerOf } from "./route.ts";
import { type Texts, textsIn } from "./texts/index.ts";
import { visitorLanguage } from "./visitor-language.ts";

/** One server-rendered page. */
export interface Page {
  readonly status: number;
  /** what everything on it is said in */
  readonly language: Language;
  readonly title: string;
  readonly content: Html;
  /** whose page it is, shown above the content */
  readonly application?: { readonly name: string; readonly realm: string } | undefined;
  /** that of its realm; undefined: the built-in look */
  readonly theme?: PageTheme | undefined;
  /** rule 41: every page of a test tenant says so */
  readonly isTestTenant: boolean;
  /** where a form of this page may end, a redirect URI above all; the origins are added to `form-action` (rule 18) */
  readonly endsAt?: readonly string[] | undefined;
  /** where the browser goes on to by itself, at once */
  readonly leadsTo?: string | undefined;
  /** the path of a script of ours, for the one page that has one */
  readonly script?: string | undefined;
  readonly setCookies?: readonly string[];
}

/** What is around the content of a page. */
export type PageSurroundings = Pick<Page, "language" | "application" | "theme" | "isTestTenant">;

const STYLE_SOURCE = sourceOfStyle(PAGE_STYLE);

const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY",
  "permissions-policy": "camera=(), microphone=(), geolocation=()",
} as const;

/** Answers with a page. Nothing but our styles, the realm's logo and at most one script of ours can run or load on it. */
export function pageReply(page: Page): HttpReply {
  return {
    status: page.status,
    headers: {
      ...HEADERS,
      "content-security-policy": contentSecurityPolicy(page),
      ...(page.leadsTo === undefined ? {} : { refresh: `0;url=${page.leadsTo}` }),
      ...cookieHeader(page.setCookies),
    },
    body: renderDocument(page).markup,
  };
}

/** Sends the browser on with GET, whatever its request was (RFC 9110 §15.4.4). */
export function redirectReply(location: string, setCookies: readonly string[] = []): HttpReply {
  const { "cache-control": caching, "referrer-policy": referrer } = HEADERS;
  return {
    status: 303,
    headers: { location, "cache-control": caching, "referrer-policy": referrer, ...cookieHeader(setCookies) },
  };
}

function cookieHeader(cookies: readonly string[] | undefined): Readonly<Record<string, readonly string[]>> {
  return cookies === undefined || cookies.length === 0 ? {} : { "set-cookie": cookies };
}

function contentSecurityPolicy({ endsAt = [], script, theme }: Page): string {
  const styles = [STYLE_SOURCE, themeStyleOf(theme)?.source].filter((source) => source !== undefined);
  const pictures = new Set(picturesOf(theme).map(sourceOf));
  return [
    "default-src 'none'",
    `style-src ${styles.join(" ")}`,
    ...(pictures.size === 0 ? [] : [`img-src ${[...pictures].join(" ")}`]),
    ...(script === undefined ? [] : ["script-src 'self'"]),
    `form-action ${["'self'", ...new Set(endsAt.map(sourceOf))].join(" ")}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join("; ");
}

/**
 * A URL's origin as a CSP source. A private-use scheme has no origin and stands for itself; CSP has no spelling for an IPv6 address,
 * nor for a host with a `;`, so that those open their scheme.
 */
function sourceOf(address: string): string {
  const url = new URL(address);
  return url.origin === "null" || !HOST_OF_A_SOURCE.test(url.hostname) ? url.protocol : url.origin;
}

// CSP Level 3 §2.3.1, host-part
const HOST_OF_A_SOURCE = /^[A-Za-z0-9.-]+$/;

function renderDocument(page: Page): Html {
  const { frame } = textsIn(page.language);
  return html`<!doctype html>
<html lang="${page.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${page.title}</title>
<style>${{ markup: PAGE_STYLE }}</style>${renderThemeStyle(page.theme)}${
    page.script === undefined
      ? undefined
      : html`
<script type="module" src="${page.script}"></script>`
  }
</head>
<body>${page.isTestTenant ? renderTestMark(frame) : undefined}
<main>${renderHead(page)}
${page.content}
</main>
<footer>${renderSupport(page)}<span>${frame.securedBy}</span></footer>
</body>
</html>
`;
}

function renderTestMark({ testTenant, testTenantMeaning }: Texts["frame"]): Html {
  return html`
<div class="mark" role="note"><strong>${testTenant}</strong> · ${testTenantMeaning}</div>`;
}

function renderThemeStyle(theme: PageTheme | undefined): Html | undefined {
  const made = themeStyleOf(theme);
  return (
    made &&
    html`
<style>${{ markup: made.style }}</style>`
  );
}

/** Whose page it is: by the realm's logo, or by an initial. */
function renderHead({ application, theme }: Page): Html | undefined {
  const logo = renderLogo(theme);
  const name = application && html`<span>${application.name}<small>${application.realm}</small></span>`;
  if (logo !== undefined)
    return html`
<div class="app branded">${logo}${name}</div>`;
  const [initial = ""] = application?.name.trim() ?? "";
  return (
    name &&
    html`
<div class="app"><b aria-hidden="true">${initial.toUpperCase()}</b>${name}</div>`
  );
}

function renderSupport({ theme, language }: Page): Html | undefined {
  const url = theme?.supportUrl;
  return url === undefined
    ? undefined
    : html`<a href="${url}" target="_blank" rel="noopener noreferrer">${textsIn(language).frame.support}</a>`;
}

/** A page that says what went wrong and what to do now. */
export interface ErrorPage {
  readonly status: number;
  readonly language: Language;
  readonly heading: string;
  readonly advice: string;
  /** for whoever built the client */
  readonly detail?: string | undefined;
  readonly traceId: Uint8Array;
  readonly theme?: PageTheme | undefined;
  readonly isTestTenant?: boolean | undefined;
  readonly setCookies?: readonly string[];
}

/** Answers with an error page, calm and with the trace id that the log and the decision know. */
export function errorPageReply(error: ErrorPage): HttpReply {
  const { error: texts } = textsIn(error.language);
  const detail =
    error.detail === undefined
      ? undefined
      : html`
<dt>${texts.forDevelopers}</dt><dd><code>${error.detail}</code></dd>`;
  return pageReply({
    status: error.status,
    language: error.language,
    title: error.heading,
    theme: error.theme,
    isTestTenant: error.isTestTenant ?? false,
    ...(error.setCookies ? { setCookies: error.setCookies } : {}),
    content: html`<div class="sign" aria-hidden="true">!</div>
<h1>${error.heading}</h1>
<p>${error.advice}</p>
<dl>${detail}
<dt>${texts.traceId}</dt><dd><code>${Buffer.from(error.traceId).toString("hex")}</code></dd>
</dl>`,
  });
}

/** Whether a client asks for JSON rather than a page. Browsers name text/html; `*` + `/*` is no wish. */
export function prefersJson(accept: string | undefined): boolean {
  return accept !== undefined && /application\/json/i.test(accept) && !/text\/html/i.test(accept);
}

/** Where and for whom a page failed. */
export interface PageFailure extends Omit<FailureContext, "kind" | "traceId"> {
  readonly traceId: Uint8Array;
  readonly accept: string | undefined;
  readonly language: Language;
  readonly theme?: PageTheme | undefined;
  readonly isTestTenant?: boolean | undefined;
}

/** How a page fails that answers this request. */
export function pageFailureOf(http: HttpRequest, log: Log): PageFailure {
  return { traceId: http.traceId, accept: headerOf(http, "accept"), language: visitorLanguage(http), log };
}

/** Any error as the answer of a page's route: HTML for people, `{error, error_description, trace_id}` for clients that ask for JSON. */
export function replyWithErrorPage(error: unknown, failure: PageFailure): HttpReply {
  const traceId = Buffer.from(failure.traceId).toString("hex");
  const reply = replyToError(error, { kind: "auth", traceId, log: failure.log });
  if (prefersJson(failure.accept)) return reply;
  const page = errorPageReply({
    status: reply.status,
    language: failure.language,
    ...wordsFor(reply, textsIn(failure.language)),
    detail: reply.status >= 500 ? undefined : describe(reply.body),
    traceId: failure.traceId,
    theme: failure.theme,
    isTestTenant: failure.isTestTenant ?? false,
  });
  const retryAfter = reply.headers?.["retry-after"];
  return {
    ...page,
    ...(retryAfter === undefined ? {} : { headers: { ...page.headers, "retry-after": retryAfter } }),
    refusal: reply.refusal,
  };
}

function wordsFor(
  { status, headers = {} }: HttpReply,
  { error, language }: Texts,
): Pick<ErrorPage, "heading" | "advice"> {
  if (status === 429) {
    const { heading, advice } = error.tooMany;
    return { heading, advice: advice(durationInWords(Number(headers["retry-after"] ?? 1), language)) };
  }
  if (status === 503) return error.busy;
  return status >= 500 ? error.failed : error.refused;
}

function describe(body: string | Uint8Array | undefined): string | undefined {
  const json: unknown = typeof body === "string" ? JSON.parse(body) : undefined;
  if (typeof json !== "object" || json === null || !("error" in json) || !("error_description" in json))
    return undefined;
  return `${String(json.error)}: ${String(json.error_description)}`;
}
