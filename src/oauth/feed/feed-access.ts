import { type HttpRequest, headerOf } from "../../http/route.ts";
import type { ApplicationKey, RealmKey } from "../../protocol/client-metadata.ts";
import { OAuthError } from "../../protocol/oauth-error.ts";
import { parseQuery } from "../../protocol/parameters.ts";
import { findResourceServerByIdentifier, type ResourceServer } from "../../resources/resource-server/queries.ts";
import { authenticateClient } from "../authenticate-client.ts";
import { authenticateScopedBearer, usesBearer } from "../bearer.ts";
import { presentedClient } from "../client-authentication/index.ts";
import { asNamedClient, type NamedClient, unknownClient } from "../named-client.ts";
import type { Services } from "../services.ts";

const NO_PARAMETERS = parseQuery("");

/** Who hears of the ends of which tokens. */
export interface FeedAccess {
  /** whose connections are counted together (rule 29) */
  readonly caller: string;
  readonly resourceServer: ResourceServer;
}

/** What is asked for. */
export interface FeedQuestion {
  readonly realm: RealmKey;
  readonly audience: string;
  /** whether the same connection was let in before */
  readonly isAccepted?: boolean;
}

/**
 * Judges who asks for a feed, as the database says at this moment: an application that is an introspector of the audience, by Basic, or
 * the bearer of `tokens:introspect` (rules 9 and 29). Asked again, it says whether that still holds.
 *
 * @throws OAuthError
 */
export async function authorizeFeed(
  services: Services,
  request: HttpRequest,
  { realm, audience, isAccepted }: FeedQuestion,
): Promise<FeedAccess> {
  const authorization = headerOf(request, "authorization");
  const find = () => {
    const db = services.deps.database.tenants([realm.tenantId]);
    return findResourceServerByIdentifier(db, realm, audience);
  };
  if (usesBearer(authorization)) {
    const bearer = { realm, authorization, parameters: NO_PARAMETERS, scope: "tokens:introspect", isAccepted };
    const { applicationId, subject } = await authenticateScopedBearer(services, bearer);
    const resourceServer = await find();
    if (resourceServer === undefined) throw new OAuthError("invalid_request", "the audience is no resource server");
    return { caller: `bearer ${applicationId} ${subject}`, resourceServer };
  }
  const presented = presentedClient({ authorization, parameters: NO_PARAMETERS });
  const { applicationId } = await asNamedClient(services, realm, presented, (client) => demandClient(services, client));
  const resourceServer = await find();
  // Which audiences there are, is told to those who may hear of them.
  if (!resourceServer?.settings.introspectors.includes(applicationId))
    throw new OAuthError("unauthorized_client", "the client is no introspector of this audience", { status: 403 });
  return { caller: `application ${applicationId}`, resourceServer };
}

async function demandClient(services: Services, { key, presented }: NamedClient): Promise<ApplicationKey> {
  const client = await authenticateClient(services, key, { presented, unknown: unknownClient });
  await client.confirm(false);
  if (client.current.context.client.confidentiality === "public")
    throw new OAuthError("invalid_client", "a public client may not hear of tokens");
  return key;
}
