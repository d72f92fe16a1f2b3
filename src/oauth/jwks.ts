import { isKnownTo } from "../http/if-none-match.ts";
import type { HttpReply, HttpRequest, Route } from "../http/route.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import { APPLICATION_ISSUER, REALM_ISSUER } from "./at-issuer.ts";
import { findApplication } from "./find-application.ts";
import { findRealm } from "./find-realm.ts";
import type { Services } from "./services.ts";

/** GET .well-known/jwks.json of both kinds of issuers (RFC 7517): the keys of the realm. */
export function jwksRoutes(services: Services): readonly Route[] {
  return [
    {
      name: "jwks",
      method: "GET",
      path: `${APPLICATION_ISSUER}/.well-known/jwks.json`,
      kind: "auth",
      isOpen: true,
      handle: async (request) => {
        const { key, tenant } = await findApplication(services, request);
        return printKeys(services, request, { realm: key, offsetSeconds: tenant.clockOffsetSeconds });
      },
    },
    {
      name: "jwksAtRealm",
      method: "GET",
      path: `${REALM_ISSUER}/.well-known/jwks.json`,
      kind: "auth",
      isOpen: true,
      handle: async (request) => {
        const { key, clockOffsetSeconds } = await findRealm(services, request);
        return printKeys(services, request, { realm: key, offsetSeconds: clockOffsetSeconds });
      },
    },
  ];
}

async function printKeys(
  services: Services,
  request: HttpRequest,
  of: { readonly realm: RealmKey; readonly offsetSeconds: number },
): Promise<HttpReply> {
  const now = services.deps.clock.nowSeconds() + of.offsetSeconds;
  const { body, maxAgeSeconds, etag } = await services.keys.jwks(of.realm, now);
  const headers = { "cache-control": `public, max-age=${maxAgeSeconds}`, etag };
  if (isKnownTo(request, etag)) return { status: 304, headers };
  return { status: 200, headers: { ...headers, "content-type": "application/jwk-set+json" }, body };
}
