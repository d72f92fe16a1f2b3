import { notFound } from "../../http/management-error.ts";
import { wrapped } from "../../http/operation.ts";
import { uuid } from "../../platform/random.ts";
import { READ_ONLY, timesOf } from "../answer-parts.ts";
import { type Call, type Outcome, readPathId, realmOf } from "../call.ts";
import { demandValid } from "../checked.ts";
import { demandVersion } from "../etag.ts";
import { type EventKind, listChanged } from "../event-draft.ts";
import { creates, reads, writes } from "../operations.ts";
import {
  findRealmLook,
  holdTheme,
  insertTheme,
  type RealmLook,
  type Theme,
  type ThemeKey,
  updateThemeSettings,
} from "./queries.ts";
import { createTheme, THEME_DEFAULTS, updateTheme } from "./rules.ts";
import { ActiveThemeAnswer, ThemeAnswer, ThemeBody } from "./schema.ts";

const THEMES = "/v1/tenants/{tenant}/realms/{realm}/themes";
const THEME = `${THEMES}/{theme}` as const;
const BODY = wrapped("theme", ThemeBody, READ_ONLY);
const TAG = "Themes";
const EVENT = { type: "BrandingThemeConfigurationChange", resource: "Theme" } as const satisfies Partial<EventKind>;

/** The operations of themes (reference 2.2). */
export const THEME_OPERATIONS = [
  creates(
    {
      name: "CreateTheme",
      method: "POST",
      path: THEMES,
      tag: TAG,
      summary: "Gives the realm a theme of its own; it has one at most.",
      scopes: ["themes:create"],
      body: BODY,
      answer: ThemeAnswer,
      refusals: ["conflict"],
      isCreate: true,
      isVersioned: true,
      conflicts: { themes_one_in_a_realm: "theme already exists for this realm" },
      event: { ...EVENT, action: "CREATE" },
    },
    async (call) => {
      const { db, nowMs, body } = call;
      const settings = demandValid(createTheme(body.theme));
      const key = { ...realmOf(call), themeId: uuid(call.deps.random) };
      await insertTheme(db, key, settings, nowMs);
      const { realmName } = await getLook(call);
      const theme = { key, settings, version: 1, createdAtMs: nowMs, updatedAtMs: nowMs };
      return { value: answerOf(theme, realmName), version: 1, about: { id: key.themeId } };
    },
    { parameter: "theme", show: showTheme },
  ),
  reads(
    {
      name: "GetActiveTheme",
      method: "GET",
      path: `${THEMES}/active`,
      tag: TAG,
      summary: "Shows how the realm's pages and mails look: its own theme, or the built-in one.",
      scopes: ["themes:read"],
      answer: ActiveThemeAnswer,
      isVersioned: true,
    },
    async (call) => {
      const { theme, realmName } = await getLook(call);
      if (theme !== undefined) return { value: answerOf(theme, realmName), version: theme.version };
      const { tenantId, realmId } = realmOf(call);
      return { value: { tenant_id: tenantId, realm_id: realmId, email_realm_name: realmName, ...THEME_DEFAULTS } };
    },
  ),
  reads(
    {
      name: "GetTheme",
      method: "GET",
      path: THEME,
      tag: TAG,
      summary: "Shows a theme.",
      scopes: ["themes:read"],
      answer: ThemeAnswer,
      isVersioned: true,
    },
    showTheme,
  ),
  writes(
    {
      name: "UpdateTheme",
      method: "PATCH",
      path: THEME,
      tag: TAG,
      summary: "Changes a theme.",
      scopes: ["themes:update"],
      body: BODY,
      answer: ThemeAnswer,
      isVersioned: true,
      event: { ...EVENT, action: "UPDATE" },
    },
    async (call) => {
      const { db, nowMs, body, request } = call;
      const key = keyOf(call);
      const theme = await holdTheme(db, key);
      if (theme === undefined) throw notFound("Theme", key.themeId);
      demandVersion(request, theme.version);
      const settings = demandValid(updateTheme(theme.settings, body.theme));
      await updateThemeSettings(db, key, settings, nowMs);
      const { realmName } = await getLook(call);
      const changed = { ...theme, settings, version: theme.version + 1, updatedAtMs: nowMs };
      const about = { id: key.themeId, facts: { changed: listChanged(theme.settings, settings) } };
      return { value: answerOf(changed, realmName), version: changed.version, about };
    },
  ),
] as const;

async function showTheme(call: Call<unknown, unknown>): Promise<Outcome<ThemeAnswer>> {
  const { themeId } = keyOf(call);
  const { theme, realmName } = await getLook(call);
  if (theme?.key.themeId !== themeId) throw notFound("Theme", themeId);
  return { value: answerOf(theme, realmName), version: theme.version };
}

function keyOf(call: Call<unknown, unknown>): ThemeKey {
  return { ...realmOf(call), themeId: readPathId(call.request, { parameter: "theme", shape: "uuid", kind: "Theme" }) };
}

async function getLook(call: Call<unknown, unknown>): Promise<RealmLook> {
  const realm = realmOf(call);
  const look = await findRealmLook(call.db, realm);
  if (look === undefined) throw notFound("Realm", realm.realmId);
  return look;
}

function answerOf(theme: Theme, realmName: string): ThemeAnswer {
  const { tenantId, realmId, themeId } = theme.key;
  const place = { id: themeId, tenant_id: tenantId, realm_id: realmId };
  return { ...place, email_realm_name: realmName, ...theme.settings, ...timesOf(theme) };
}
