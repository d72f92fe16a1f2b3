import { isBegunByOurForm, isOnHandheld } from "./form-origin.ts";
import { html } from "./html.ts";
import { type PageSurroundings, pageReply, redirectReply } from "./pages.ts";
import type { HttpReply, HttpRequest } from "./route.ts";
import { textsIn } from "./texts/index.ts";

/**
 * A page at which the navigation of a form ends, and from which another one leads on at once: Chrome holds every redirect that follows a
 * form, also those of who is led to, to the policy of the form's page (decision 0032).
 */
export function leadPageReply(
  location: string,
  { surroundings, setCookies }: { readonly surroundings: PageSurroundings; readonly setCookies: readonly string[] },
): HttpReply {
  const { sentBack } = textsIn(surroundings.language).login;
  return pageReply({
    ...surroundings,
    status: 200,
    title: sentBack.title,
    leadsTo: location,
    setCookies,
    content: html`<h1>${sentBack.heading}</h1>
<p>${sentBack.intro}</p>
<p class="go"><a href="${location}">${sentBack.goOn}</a></p>`,
  });
}

/** Leaves for an address of somebody else: after a form by such a page, unless an app may wait for a redirect. */
export function leaveReply(http: HttpRequest, address: string, surroundings: PageSurroundings): HttpReply {
  const isByPage = isBegunByOurForm(http) && /^https?:/.test(address) && !isOnHandheld(http);
  return isByPage ? leadPageReply(address, { surroundings, setCookies: [] }) : redirectReply(address);
}
