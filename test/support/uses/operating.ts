import { succeed } from "../management-client.ts";
import type { Use } from "./index.ts";

/** What an operator of a tenant does: its clock, its keys, its declarative file. */
export const useOperating: Use = async ({ api }) => {
  await succeed(api("AdvanceClock", { body: { seconds: 1 } }));
  await succeed(api("RotateKeys", { body: { algorithm: "ES256" } }));
  await succeed(api("ListKeys", {}));
  const exported = await succeed(api("ExportTenant", {}));
  const text = JSON.stringify(exported);
  await succeed(api("ApplyTenant", { text, query: { dry_run: "true" } }));
  return {};
};
