import { type Static, Type } from "typebox";
import { PLACE, TIMES } from "../answer-parts.ts";
import { Name, Uuid } from "../schema-parts.ts";
import { bodyOf } from "../settings.ts";

const URL_LENGTH_MAX = 2048;
const UrlText = Type.Optional(Type.String({ minLength: 1, maxLength: URL_LENGTH_MAX }));
const Colour = Type.String({ pattern: "^#[0-9A-Fa-f]{6}$" });

/** What is written of a theme. */
export const ThemeSettings = Type.Object(
  {
    /** the realm's name in mails; as long as it is absent, the realm's display name */
    email_realm_name: Type.Optional(Name),
    logo_url_light: UrlText,
    logo_url_dark: UrlText,
    support_url: UrlText,
    button_color: Colour,
    button_text_color: Colour,
  },
  { additionalProperties: false },
);
export type ThemeSettings = Static<typeof ThemeSettings>;

export const ThemeBody = bodyOf(ThemeSettings);
export type ThemeBody = Static<typeof ThemeBody>;

const SHOWN = { ...ThemeSettings.properties, email_realm_name: Type.String() };

/** A theme as the API shows it. */
export const ThemeAnswer = Type.Object({ id: Uuid, ...PLACE, ...SHOWN, ...TIMES }, { additionalProperties: false });
export type ThemeAnswer = Static<typeof ThemeAnswer>;

/** The theme of a realm's pages and mails: the built-in one was never made, and has no id and no times. */
export const ActiveThemeAnswer = Type.Object(
  {
    id: Type.Optional(Uuid),
    ...PLACE,
    ...SHOWN,
    create_time: Type.Optional(TIMES.create_time),
    update_time: Type.Optional(TIMES.update_time),
  },
  { additionalProperties: false },
);
export type ActiveThemeAnswer = Static<typeof ActiveThemeAnswer>;
