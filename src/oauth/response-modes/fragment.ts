import { appendFragment } from "../../protocol/redirect-uri.ts";
import { leadToClient } from "./lead-to-client.ts";
import type { ResponseMode } from "./response-mode.ts";

/** In the fragment of the redirect URI, which browsers keep to themselves. */
export const fragment: ResponseMode = {
  name: "fragment",
  reply: (response) => leadToClient(appendFragment(response.redirectUri, response.parameters), response),
};
