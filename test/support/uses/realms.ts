import { succeed } from "../management-client.ts";
import type { Use } from "./index.ts";

/** Realms: one is made, changed and deleted; the tenant's own stays. */
export const useRealms: Use = async ({ api }) => {
  const { id: realm } = await succeed(api("CreateRealm", { body: { realm: { display_name: "Suppliers" } } }));
  await succeed(api("GetRealm", { realm }));
  await succeed(api("ListRealms", {}));
  await succeed(api("UpdateRealm", { realm, body: { realm: { display_name: "Vendors" } } }));
  await succeed(api("UpdateRealm", { body: { realm: { display_name: "Customers" } } })); // its row stays
  await succeed(api("DeleteRealm", { realm }));
  return {};
};
