import type { Route } from "../http/route.ts";
import { authorizeRoutes } from "./authorize.ts";
import { discoveryRoutes } from "./discovery.ts";
import { endSessionRoutes } from "./end-session.ts";
import { introspectRoutes } from "./introspect.ts";
import { jwksRoutes } from "./jwks.ts";
import { previewRoutes } from "./preview.ts";
import { revocationFeedRoutes } from "./revocation-feed.ts";
import { revokeRoutes } from "./revoke.ts";
import type { Services } from "./services.ts";
import { shortenRoutes } from "./shorten.ts";
import { statusListRoutes } from "./status-list.ts";
import { tokenRoutes } from "./token.ts";
import { userinfoRoutes } from "./userinfo.ts";

/** Every auth route. */
export function oauthRoutes(services: Services): readonly Route[] {
  return [
    authorizeRoutes,
    tokenRoutes,
    previewRoutes,
    introspectRoutes,
    revokeRoutes,
    shortenRoutes,
    revocationFeedRoutes,
    statusListRoutes,
    userinfoRoutes,
    endSessionRoutes,
    discoveryRoutes,
    jwksRoutes,
  ].flatMap((routes) => routes(services));
}
