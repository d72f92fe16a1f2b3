import type { ManagementClient } from "../management-client.ts";
import type { TestTenant } from "../test-tenant.ts";
import { useApplications } from "./applications.ts";
import { useAuthenticatorConfigs } from "./authenticator-configs.ts";
import { useBindingJobs } from "./binding-jobs.ts";
import { useCredentials } from "./credentials.ts";
import { useGroups } from "./groups.ts";
import { useIdentities } from "./identities.ts";
import { useOperating } from "./operating.ts";
import { useConsoleConfigs, usePolicies } from "./policies.ts";
import { useRealms } from "./realms.ts";
import { useRecords } from "./records.ts";
import { useResourceServers } from "./resource-servers.ts";
import { useRoles } from "./roles.ts";
import { useScim } from "./scim.ts";
import { useTenant } from "./tenants.ts";
import { useThemes } from "./themes.ts";

// One use of every operation of the management API, noun by noun, for the tests that walk over all statements and routes.

/** What a noun's use is given: a tenant, its client, and the ids of what the uses before made, by the names of path parameters. */
export interface UseParts {
  readonly tenant: TestTenant;
  readonly api: ManagementClient;
  readonly ids: Readonly<Record<string, string>>;
}

/** Uses every operation of a noun. Returns the ids of what it leaves there, by the names of path parameters. */
export type Use = (parts: UseParts) => Promise<Readonly<Record<string, string>>>;

const USES: readonly Use[] = [
  useTenant,
  useRealms,
  useIdentities,
  useGroups,
  useResourceServers,
  useRoles,
  useApplications,
  useAuthenticatorConfigs,
  useScim,
  useThemes,
  useCredentials,
  useRecords,
  useOperating,
  useBindingJobs,
  usePolicies,
  useConsoleConfigs,
];

/** Uses every operation of the management API. Returns the ids of what is left there. */
export async function useManagementApi(
  parts: Pick<UseParts, "tenant" | "api">,
  known: UseParts["ids"],
): Promise<UseParts["ids"]> {
  let ids = known;
  for (const use of USES) ids = { ...ids, ...(await use({ ...parts, ids })) };
  return ids;
}
