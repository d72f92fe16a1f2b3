import { leadPageReply } from "../../http/lead-page.ts";
import { redirectReply } from "../../http/pages.ts";
import type { HttpReply } from "../../http/route.ts";
import type { AuthorizationResponse } from "./response-mode.ts";

/** Leads the browser to the client, by a redirect, or where a form of ours began the navigation by a page that begins another. */
export async function leadToClient(
  location: string,
  { isAfterForm, setCookies, findSurroundings }: AuthorizationResponse,
): Promise<HttpReply> {
  if (!isAfterForm) return redirectReply(location, setCookies);
  return leadPageReply(location, { surroundings: await findSurroundings(), setCookies });
}
