import type { Route } from "../http/route.ts";
import { APPLICATION_OPERATIONS } from "./application/routes.ts";
import { AUTHENTICATOR_CONFIG_OPERATIONS } from "./authenticator-config/routes.ts";
import type { ManagementParts } from "./call.ts";
import { CREDENTIAL_OPERATIONS } from "./credential/routes.ts";
import { decisionRoutes } from "./decision/routes.ts";
import { eventRoutes } from "./event-list/routes.ts";
import { GROUP_OPERATIONS } from "./group/routes.ts";
import { IDENTITY_OPERATIONS } from "./identity/routes.ts";
import { mailRoutes } from "./mail/routes.ts";
import { REALM_OPERATIONS } from "./realm/routes.ts";
import { RESOURCE_SERVER_OPERATIONS } from "./resource-server/routes.ts";
import { ROLE_OPERATIONS } from "./role/routes.ts";
import { SCIM_OPERATIONS } from "./scim/routes.ts";
import { TENANT_SETTINGS_OPERATIONS, tenantResourceRoutes } from "./tenant/routes.ts";
import { THEME_OPERATIONS } from "./theme/routes.ts";
import { tokenResourceRoutes } from "./token-list/routes.ts";

/** Every operation of the management API, noun by noun: routes, OpenAPI document, typed client and tests read this list. */
export const MANAGEMENT_OPERATIONS = [
  ...TENANT_SETTINGS_OPERATIONS,
  ...REALM_OPERATIONS,
  ...IDENTITY_OPERATIONS,
  ...GROUP_OPERATIONS,
  ...RESOURCE_SERVER_OPERATIONS,
  ...ROLE_OPERATIONS,
  ...APPLICATION_OPERATIONS,
  ...AUTHENTICATOR_CONFIG_OPERATIONS,
  ...SCIM_OPERATIONS,
  ...THEME_OPERATIONS,
  ...CREDENTIAL_OPERATIONS,
] as const;

/** Every management route. */
export function managementRoutes(parts: ManagementParts): readonly Route[] {
  const { deps, decisions, liveTokens } = parts;
  return [
    ...MANAGEMENT_OPERATIONS.flatMap((operation) => operation.bind(parts)),
    ...tenantResourceRoutes(deps),
    ...tokenResourceRoutes(deps, liveTokens),
    ...decisionRoutes(deps, decisions),
    ...eventRoutes(deps, decisions),
    ...mailRoutes(deps),
  ];
}
