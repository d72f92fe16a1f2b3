import { html } from "../../http/html.ts";
import { pageReply, redirectReply } from "../../http/pages.ts";
import type { HttpReply } from "../../http/route.ts";
import { textsIn } from "../../http/texts/index.ts";
import type { AuthorizationResponse } from "./response-mode.ts";

/**
 * Leads the browser to the client, by a redirect, or where a form of ours began the navigation by a page that begins another: Chrome
 * holds every redirect that follows a form, the client's own too, to the policy of the form's page (decision 0032).
 */
export async function leadToClient(
  location: string,
  { isAfterForm, setCookies, findSurroundings }: AuthorizationResponse,
): Promise<HttpReply> {
  if (!isAfterForm) return redirectReply(location, setCookies);
  const surroundings = await findSurroundings();
  const { sentBack } = textsIn(surroundings.language).login;
  return pageReply({
    ...surroundings,
    status: 200,
    title: sentBack.title,
    leadsTo: location,
    setCookies,
    content: html`<h1>${sentBack.heading}</h1>
<p>${sentBack.intro}</p>
<p><a href="${location}">${sentBack.goOn}</a></p>`,
  });
}
