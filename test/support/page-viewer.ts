import axe from "axe-core";
import type { BrowserContext, Page } from "playwright-core";
import { openBrowser } from "./chromium.ts";
import { type Answer, call } from "./http.ts";
import { LOGO_ORIGIN } from "./page-gallery.ts";

const PAGE_URL = "https://pages.example/";
const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" width="160" height="48"><rect width="160" height="48" rx="8" fill="#c60"/></svg>';

/** A browser that is sent a page exactly as the server sent it, headers and all. */
export interface PageViewer {
  readonly context: BrowserContext;
  readonly page: Page;
  /** what the browser complained of since the page was shown: all that a policy stopped is there */
  readonly complaints: string[];
  /** what the page loaded, by its address, in bytes */
  readonly loaded: Map<string, number>;
  show(answer: Answer): Promise<void>;
}

/**
 * Opens a viewer. Nothing leaves it but for our scripts: other addresses than the page's and the logo's answer nothing.
 *
 * @param serverUrl where our scripts are
 */
export async function openPageViewer(serverUrl: string): Promise<PageViewer> {
  const context = await (await openBrowser()).newContext();
  const page = await context.newPage();
  const complaints: string[] = [];
  const loaded = new Map<string, number>();
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  let shown: Answer | undefined;
  await context.route("**/*", async (route) => {
    const url = route.request().url();
    if (url === PAGE_URL && shown !== undefined) {
      // As 200: a status that is an error is a complaint of the browser's, and another test's business.
      await route.fulfill({ status: 200, headers: Object.fromEntries(shown.headers), body: shown.text });
      return;
    }
    const isLogo = url.startsWith(LOGO_ORIGIN);
    const body = isLogo ? LOGO : await readScript(serverUrl, url);
    loaded.set(url, body.length);
    await route.fulfill({ contentType: isLogo ? "image/svg+xml" : "text/javascript", body });
  });
  return {
    context,
    page,
    complaints,
    loaded,
    show: async (answer) => {
      shown = answer;
      complaints.length = 0;
      loaded.clear();
      await page.goto(PAGE_URL);
    },
  };
}

/** A script of ours, but for the one that leaves its page at once. */
async function readScript(serverUrl: string, url: string): Promise<string> {
  const { pathname, search } = new URL(url);
  if (pathname.endsWith("/form-post.js")) return "";
  const { status, text } = await call(`${serverUrl}${pathname}${search}`);
  return status === 200 ? text : "";
}

/**
 * What axe finds on a page that is a serious or critical barrier.
 *
 * @param rules those looked at; undefined: all
 */
export async function findBarriers(page: Page, rules?: readonly string[]): Promise<unknown> {
  await page.evaluate(axe.source);
  const options = JSON.stringify({ resultTypes: ["violations"], ...(rules && { runOnly: rules }) });
  return page.evaluate(`axe.run(${options}).then(({ violations }) => violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => [id, ...nodes.map(({ html, failureSummary }) => html + failureSummary)]))`);
}
