import type { ClientAuthenticationMethod } from "./method.ts";

/** RFC 6749 section 2.3.1: client_id and client_secret in the body. */
export const clientSecretPost: ClientAuthenticationMethod = {
  name: "client_secret_post",
  confidentiality: "confidential",
  present: (_authorization, parameters) => {
    const clientSecret = parameters.values.get("client_secret");
    if (clientSecret === undefined) return undefined;
    return { clientId: parameters.values.get("client_id") ?? "", clientSecret, method: "client_secret_post" };
  },
};
