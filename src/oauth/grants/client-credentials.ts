import { negotiateClientScope } from "../../protocol/scope.ts";
import type { Authorization, Grant, TokenRequest } from "./grant.ts";

/** RFC 6749 section 4.4: an application acts for itself. Its subject is its client_id (reference 6 #11). */
export const clientCredentials: Grant = {
  grantType: "client_credentials",
  isAllowed: (client) => client.grantTypes.includes("client_credentials"),
  authorize: async (request) => authorize(request),
  foresee: async (request) => ({ authorization: authorize(request) }),
};

function authorize(request: TokenRequest): Authorization {
  const { client } = request.context;
  return {
    outcome: "authorized",
    subject: client.clientId,
    scope: negotiateClientScope({ requested: request.scope, allowedScopes: client.allowedScopes }),
    identityId: undefined,
    sessionId: "",
    transactionId: Buffer.from(request.traceId).toString("hex"),
    customClaims: request.customClaims,
    parentExpiresAt: undefined,
    consentSeconds: undefined,
    facts: {},
  };
}
