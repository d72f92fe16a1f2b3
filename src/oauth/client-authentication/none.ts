import type { ClientAuthenticationMethod } from "./method.ts";

/** RFC 6749 section 3.2.1: a public client names itself in the body and proves itself by PKCE or its refresh token. */
export const none: ClientAuthenticationMethod = {
  name: "none",
  confidentiality: "public",
  present: (_authorization, parameters) => {
    const clientId = parameters.values.get("client_id");
    if (clientId === undefined) return undefined;
    return { clientId, clientSecret: undefined, method: "none" };
  },
};
