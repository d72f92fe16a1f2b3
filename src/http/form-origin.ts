import { isHandheld } from "../protocol/user-agent.ts";
import { type HttpRequest, headerOf } from "./route.ts";

const SITES_OF_OURS: readonly string[] = ["same-origin", "none"];

/**
 * Whether a browser says that a form was sent from a page of ours. A form's token is the proof; these headers catch a mistake of ours.
 * `Origin: null` is what our own pages send: they have no referrer.
 */
export function isSentByOurPage(http: HttpRequest, publicUrl: string): boolean {
  const origin = headerOf(http, "origin");
  const site = headerOf(http, "sec-fetch-site");
  const isOurOrigin = origin === undefined || origin === "null" || origin === publicUrl;
  return isOurOrigin && (site === undefined || SITES_OF_OURS.includes(site));
}

/** Whether a browser says that a form of a page of ours began this navigation: our pages have no links to where this is asked. */
export function isBegunByOurForm(http: HttpRequest): boolean {
  return headerOf(http, "sec-fetch-mode") === "navigate" && headerOf(http, "sec-fetch-site") === "same-origin";
}

/** Whether a page of whatever site has brought the browser here, as that says of itself: an app that opens one, or its person, is none. */
export function isSentByPage(http: HttpRequest): boolean {
  const site = headerOf(http, "sec-fetch-site");
  return site !== undefined && site !== "none";
}

/** Whether it is a phone or a tablet, where an app may wait for a web address. */
export function isOnHandheld(http: HttpRequest): boolean {
  return headerOf(http, "sec-ch-ua-mobile") === "?1" || isHandheld(headerOf(http, "user-agent"));
}
