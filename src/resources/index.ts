import { APPLICATION_OPERATIONS } from "./application/routes.ts";
import { AUTHENTICATOR_CONFIG_OPERATIONS } from "./authenticator-config/routes.ts";
import { BATCH_BINDING_JOB_OPERATIONS } from "./batch-credential-binding-job/routes.ts";
import { CONSOLE_CONFIG_OPERATIONS } from "./console-config/routes.ts";
import { CREDENTIAL_OPERATIONS } from "./credential/routes.ts";
import { CREDENTIAL_BINDING_JOB_OPERATIONS } from "./credential-binding-job/routes.ts";
import { DECISION_OPERATIONS } from "./decision/routes.ts";
import { EVENT_OPERATIONS } from "./event-list/routes.ts";
import { GROUP_OPERATIONS } from "./group/routes.ts";
import { IDENTITY_OPERATIONS } from "./identity/routes.ts";
import { MAIL_OPERATIONS } from "./mail/routes.ts";
import { POLICY_OPERATIONS } from "./policy/routes.ts";
import { REALM_OPERATIONS } from "./realm/routes.ts";
import { RESOURCE_SERVER_OPERATIONS } from "./resource-server/routes.ts";
import { ROLE_OPERATIONS } from "./role/routes.ts";
import { SCIM_OPERATIONS } from "./scim/routes.ts";
import { TENANT_OPERATIONS, TENANT_SETTINGS_OPERATIONS } from "./tenant/routes.ts";
import { THEME_OPERATIONS } from "./theme/routes.ts";
import { TOKEN_OPERATIONS } from "./token-list/routes.ts";
import { TOKEN_REVOCATION_OPERATIONS } from "./token-revocation/routes.ts";

/** Every operation on a noun of the management API: routes, OpenAPI document, typed client and tests read this list. */
export const MANAGEMENT_OPERATIONS = [
  ...TENANT_SETTINGS_OPERATIONS,
  ...TENANT_OPERATIONS,
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
  ...CREDENTIAL_BINDING_JOB_OPERATIONS,
  ...BATCH_BINDING_JOB_OPERATIONS,
  ...TOKEN_OPERATIONS,
  ...TOKEN_REVOCATION_OPERATIONS,
  ...EVENT_OPERATIONS,
  ...DECISION_OPERATIONS,
  ...MAIL_OPERATIONS,
  ...POLICY_OPERATIONS,
  ...CONSOLE_CONFIG_OPERATIONS,
] as const;

/** The routes of links that people open, which no token of ours comes with. */
export { bindingLinkRoutes } from "./credential-binding-job/routes.ts";
