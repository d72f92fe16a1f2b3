import { redirectReply } from "../../http/pages.ts";
import { appendFragment } from "../../protocol/redirect-uri.ts";
import type { ResponseMode } from "./response-mode.ts";

/** In the fragment of the redirect URI, which browsers keep to themselves. */
export const fragment: ResponseMode = {
  name: "fragment",
  reply: async ({ redirectUri, parameters, setCookies }) =>
    redirectReply(appendFragment(redirectUri, parameters), setCookies),
};
