import { succeed } from "../management-client.ts";
import type { Use } from "./index.ts";

/** The tenant itself: shown and changed. */
export const useTenant: Use = async ({ api }) => {
  await succeed(api("GetTenant", {}));
  await succeed(api("UpdateTenant", { body: { tenant: { display_name: "Shoes" } } }));
  return {};
};
