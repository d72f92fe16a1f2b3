import { basicCredentials, parseBasic } from "../../protocol/client-authentication.ts";
import type { ClientAuthenticationMethod } from "./method.ts";

/** RFC 6749 section 2.3.1: the Authorization header. An empty password is a public client that says so (rule 15). */
export const clientSecretBasic: ClientAuthenticationMethod = {
  name: "client_secret_basic",
  confidentiality: "confidential",
  present: (authorization) => {
    const basic = parseBasic(authorization);
    if (basic === undefined) return undefined;
    const { clientId, clientSecret } = basicCredentials(basic);
    return { clientId, clientSecret: clientSecret === "" ? undefined : clientSecret, method: "client_secret_basic" };
  },
};
