import type { ApplicationContext } from "../protocol/client-metadata.ts";
import { expandManagementScopes } from "../protocol/management-scopes.ts";
import { parseScope } from "../protocol/scope.ts";

/** The `scope` parameter of an application's request. Undefined where there is none; throws OAuthError `invalid_scope`. */
export function readScope(
  { resourceServer }: ApplicationContext,
  raw: string | undefined,
): readonly string[] | undefined {
  const scope = parseScope(raw);
  return scope !== undefined && resourceServer?.isManaged === true ? expandManagementScopes(scope) : scope;
}
