import { replyWithErrorPage } from "../http/pages.ts";
import { type HttpReply, type HttpRequest, type Route, realmKeyOf } from "../http/route.ts";
import type { ApplicationKey, IssuerMode, RealmKey } from "../protocol/client-metadata.ts";
import { findPageFailure } from "./realm-page.ts";
import type { Services } from "./services.ts";

/** Where the endpoints of an application's issuer are, and those of its realm's (rule 11). */
export const APPLICATION_ISSUER = "/v1/tenants/:tenant/realms/:realm/applications/:application";
export const REALM_ISSUER = "/v1/tenants/:tenant/realms/:realm";

/** An endpoint that every issuer has. */
export interface IssuerEndpoint extends Omit<Route, "path"> {
  /** below the issuer */
  readonly path: `/${string}`;
  /**
   * Finds the application that a request at the realm's issuer is about.
   *
   * @throws OAuthError when it names none
   */
  readonly findApplication: (realm: RealmKey, request: HttpRequest) => Promise<ApplicationKey>;
}

/** The routes of an endpoint: below applications, and below realms for the applications whose issuer is their realm. */
export function atIssuers(services: Services, endpoint: IssuerEndpoint): readonly Route[] {
  const { path, findApplication, ...route } = endpoint;
  const handle = async (request: HttpRequest): Promise<HttpReply> => {
    const realm = realmKeyOf(request);
    // A path that cannot name a realm finds no application either.
    if (realm === undefined) return endpoint.handle(request);
    try {
      const { applicationId } = await findApplication(realm, request);
      const parameters = { ...request.parameters, application: applicationId, issuer: "realm" satisfies IssuerMode };
      return await endpoint.handle({ ...request, parameters });
    } catch (error) {
      if (route.isShown === undefined) throw error;
      return replyWithErrorPage(error, await findPageFailure(services, request));
    }
  };
  return [
    { ...route, path: APPLICATION_ISSUER + path },
    { ...route, name: `${route.name}AtRealm`, path: REALM_ISSUER + path, handle },
  ];
}

/** At whose issuer a request came in. */
export function issuerModeOf(request: HttpRequest): IssuerMode {
  return request.parameters.issuer === "realm" ? "realm" : "application";
}
