import type { MailLook } from "../../http/mail-layout.ts";
import type { FieldViolation } from "../../http/management-error.ts";
import type { PageTheme } from "../../http/page-theme.ts";
import { checkRegisteredRedirectUri } from "../../protocol/redirect-uri.ts";
import { type Checked, createBodyReader, refine } from "../settings.ts";
import { type ThemeBody, ThemeSettings } from "./schema.ts";

const URLS = ["logo_url_light", "logo_url_dark", "support_url"] as const;

const read = createBodyReader("theme", ThemeSettings);

/** The built-in theme: that of a realm which has none of its own, and what is absent from a new one. */
export const THEME_DEFAULTS: ThemeSettings = { button_color: "#0B6658", button_text_color: "#FFFFFF" };

/** The settings of a new theme, or what is wrong with them. */
export function createTheme(body: ThemeBody): Checked<ThemeSettings> {
  return refine(read.create(THEME_DEFAULTS, body), check);
}

/** The settings of a theme after a change, or what is wrong with them. A colour that is cleared is the built-in one again. */
export function updateTheme(current: ThemeSettings, body: ThemeBody): Checked<ThemeSettings> {
  return refine(read.update(current, body, THEME_DEFAULTS), check);
}

/** A theme as pages show it. The built-in colours are more than two: by night they are others. */
export function pageThemeOf(settings: ThemeSettings): PageTheme {
  const { button_color: background, button_text_color: text } = settings;
  const isBuiltIn = [background, text].every(
    (color, index) => color.toUpperCase() === [THEME_DEFAULTS.button_color, THEME_DEFAULTS.button_text_color][index],
  );
  return {
    logo: { light: settings.logo_url_light, dark: settings.logo_url_dark },
    supportUrl: settings.support_url,
    colors: isBuiltIn ? undefined : { background, text },
  };
}

/** A theme as mails show it. */
export function mailLookOf(settings: ThemeSettings, realmName: string): MailLook {
  return {
    realmName: settings.email_realm_name ?? realmName,
    logo: { light: settings.logo_url_light, dark: settings.logo_url_dark },
    supportUrl: settings.support_url,
    colors: { background: settings.button_color, text: settings.button_text_color },
  };
}

// Rule 22: browsers follow them.
function check(settings: ThemeSettings): FieldViolation[] {
  return URLS.flatMap((name) => {
    const url = settings[name];
    const reason = url === undefined ? undefined : checkRegisteredRedirectUri(url, "confidential");
    return reason === undefined ? [] : [{ field: `theme.${name}`, description: reason }];
  });
}
