import { type HttpRequest, headerOf } from "../http/route.ts";
import type { ApplicationKey, RealmKey } from "../protocol/client-metadata.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { parseForm, parseQuery } from "../protocol/parameters.ts";
import { presentedClient } from "./client-authentication/index.ts";
import { unknownApplication } from "./find-application.ts";
import { readJwtPayload } from "./presented-token.ts";
import type { Services } from "./services.ts";

// At a realm's issuer the application is not in the path: the request says which client it is (rule 11). Whether it is, its own
// handler judges, as it does of the path.

/** The application whose client authenticates, or names itself, in the form of a request. */
export function findPresentedApplication(services: Services) {
  return async (realm: RealmKey, request: HttpRequest): Promise<ApplicationKey> => {
    const parameters = parseForm(request.bytes);
    const presented = presentedClient({ authorization: headerOf(request, "authorization"), parameters });
    if (presented === undefined) throw new OAuthError("invalid_client", "the request does not name its client");
    const found = await services.directory.applicationOf(realm, presented.clientId);
    if (found === undefined) throw new OAuthError("invalid_client", "no client of this realm has this client_id");
    return found;
  };
}

/** The application that the parameters of a browser's request name: by `client_id`, or by the client of an ID token. */
export function findNamedApplication(services: Services) {
  return async (realm: RealmKey, request: HttpRequest): Promise<ApplicationKey> => {
    const options = { duplicates: "report" } as const;
    const isForm = request.method === "POST";
    const { values } = isForm ? parseForm(request.bytes, options) : parseQuery(request.queryString, options);
    const audience = readJwtPayload(values.get("id_token_hint") ?? "")?.aud;
    const clientId = values.get("client_id") ?? (typeof audience === "string" ? audience : undefined);
    if (clientId === undefined) throw new OAuthError("invalid_request", "client_id is missing");
    const found = await services.directory.applicationOf(realm, clientId);
    if (found === undefined) throw unknownApplication();
    return found;
  };
}
