import { type Static, Type } from "typebox";
import { PLACE } from "../answer-parts.ts";
import { oneOf, PlainName } from "../schema-parts.ts";
import { bodyOf } from "../settings.ts";

/** What an administration console shows of a realm, whichever console that is. */
export const ConsoleConfigSettings = Type.Object(
  {
    title: Type.Optional(PlainName),
    support_url: Type.Optional(Type.String({ pattern: "^https://[^\\s]+$", maxLength: 2048 })),
    color_scheme: oneOf(["system", "light", "dark"]),
    page_size: Type.Integer({ minimum: 1, maximum: 200 }),
  },
  { additionalProperties: false },
);
export type ConsoleConfigSettings = Static<typeof ConsoleConfigSettings>;

export const ConsoleConfigBody = bodyOf(ConsoleConfigSettings);
export type ConsoleConfigBody = Static<typeof ConsoleConfigBody>;

/** The same as the API shows it. */
export const ConsoleConfigAnswer = Type.Object(
  { ...PLACE, ...ConsoleConfigSettings.properties },
  { additionalProperties: false },
);
export type ConsoleConfigAnswer = Static<typeof ConsoleConfigAnswer>;
