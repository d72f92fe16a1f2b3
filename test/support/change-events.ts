import { listAllEvents } from "./events.ts";
import type { TestTenant } from "./test-tenant.ts";

/** What the events of a realm say was done to a resource, oldest first, as `RoleOperation CREATE`. */
export async function changesOf(tenant: TestTenant, id: string, realm = tenant.realm): Promise<readonly string[]> {
  const events = await listAllEvents(tenant, {}, realm);
  const about = events.filter(({ resource }) => JSON.stringify(resource ?? {}).includes(`"${id}"`));
  return about.map(({ type, action }) => `${type} ${action}`);
}
