import { appendParameters } from "../../protocol/redirect-uri.ts";
import { leadToClient } from "./lead-to-client.ts";
import type { ResponseMode } from "./response-mode.ts";

/** The default of `response_type=code`: in the query of the redirect URI (RFC 6749 §4.1.2). */
export const query: ResponseMode = {
  name: "query",
  reply: (response) => leadToClient(appendParameters(response.redirectUri, response.parameters), response),
};
