import { type Checked, createBodyReader } from "../settings.ts";
import { type ConsoleConfigBody, ConsoleConfigSettings } from "./schema.ts";

const read = createBodyReader("console_config", ConsoleConfigSettings);

/** What a console shows of a realm when nobody says otherwise. */
export const CONSOLE_CONFIG_DEFAULTS: ConsoleConfigSettings = { color_scheme: "system", page_size: 20 };

/** The settings after a change, or what is wrong with them. */
export function updateConsoleConfig(
  current: ConsoleConfigSettings,
  body: ConsoleConfigBody,
): Checked<ConsoleConfigSettings> {
  return read.update(current, body);
}
