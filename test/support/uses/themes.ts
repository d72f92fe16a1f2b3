import { succeed } from "../management-client.ts";
import type { Use } from "./index.ts";

/** Themes: the realm's one is left. */
export const useThemes: Use = async ({ api }) => {
  await succeed(api("GetActiveTheme", {}));
  const { id: theme } = await succeed(api("CreateTheme", { body: { theme: { button_color: "#112233" } } }));
  await succeed(api("GetTheme", { theme }));
  await succeed(api("UpdateTheme", { theme, body: { theme: { email_realm_name: "Shop" } } }));
  return { theme };
};
