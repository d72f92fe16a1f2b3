import { SCIM_DISCOVERY_OPERATIONS } from "./discovery-operations.ts";
import { SCIM_GROUP_OPERATIONS } from "./group-operations.ts";
import { SCIM_USER_OPERATIONS } from "./user-operations.ts";

/** The operations of SCIM 2.0 (reference 2.2, RFC 7644). */
export const SCIM_OPERATIONS = [
  ...SCIM_USER_OPERATIONS,
  ...SCIM_GROUP_OPERATIONS,
  ...SCIM_DISCOVERY_OPERATIONS,
] as const;
