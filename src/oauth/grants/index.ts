import { authorizationCode } from "./authorization-code.ts";
import { clientCredentials } from "./client-credentials.ts";
import type { Grant } from "./grant.ts";
import { refreshToken } from "./refresh-token.ts";
import { tokenExchange } from "./token-exchange.ts";

/** Every grant type of the token endpoint. Adding one is a file and a line. */
export const GRANTS: readonly Grant[] = [authorizationCode, clientCredentials, refreshToken, tokenExchange];
