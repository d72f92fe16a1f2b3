import { type HttpReply, type HttpRequest, headerOf, type Route } from "../http/route.ts";
import { findApplication } from "./find-application.ts";
import type { Services } from "./services.ts";

/** GET $APP/.well-known/jwks.json (RFC 7517): the keys of the application's realm. */
export function jwksRoutes(services: Services): readonly Route[] {
  return [
    {
      name: "jwks",
      method: "GET",
      path: "/v1/tenants/:tenant/realms/:realm/applications/:application/.well-known/jwks.json",
      kind: "auth",
      isOpen: true,
      handle: (request) => handleJwks(services, request),
    },
  ];
}

async function handleJwks(services: Services, request: HttpRequest): Promise<HttpReply> {
  const context = await findApplication(services, request);
  const now = services.deps.clock.nowSeconds() + context.tenant.clockOffsetSeconds;
  const { body, maxAgeSeconds, etag } = await services.keys.jwks(context.key, now);
  const headers = { "cache-control": `public, max-age=${maxAgeSeconds}`, etag };
  if (isKnown(headerOf(request, "if-none-match"), etag)) return { status: 304, headers };
  return { status: 200, headers: { ...headers, "content-type": "application/jwk-set+json" }, body };
}

// RFC 9110 section 13.1.2: a list or "*", compared weakly; a proxy that compresses says W/ before our tag.
function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  const known = ifNoneMatch?.split(",").map((one) => one.trim().replace(/^W\//, "")) ?? [];
  return known.includes(etag) || known.includes("*");
}
