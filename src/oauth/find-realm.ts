import { type HttpRequest, realmKeyOf } from "../http/route.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import type { RealmFacts } from "../resources/realm/queries.ts";
import type { Services } from "./services.ts";

/** The realm of the path. Throws 404 `invalid_client` for one that does not exist (rule 38). */
export async function findRealm(services: Services, request: HttpRequest): Promise<RealmFacts> {
  const key = realmKeyOf(request);
  const facts = key === undefined ? undefined : await services.directory.facts(key);
  if (facts === undefined) throw new OAuthError("invalid_client", "no such realm", { status: 404 });
  return facts;
}
