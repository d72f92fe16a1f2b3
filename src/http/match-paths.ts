import type { Route } from "./route.ts";

/**
 * Matches the URLs of these routes, with or without a query: for what must be judged before the router has looked at it. Their paths
 * are words and parameters; what is none of them is answered as an unknown path would be.
 */
export function matchPaths(routes: readonly Route[]): RegExp {
  const patterns = new Set(routes.map(({ path }) => path.replaceAll(".", "\\.").replace(/:\w+/g, "[^/?]+")));
  return new RegExp(`^(?:${[...patterns].join("|")})(?:\\?|$)`);
}
