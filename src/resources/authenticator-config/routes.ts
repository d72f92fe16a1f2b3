import type { Queryable } from "../../database/database.ts";
import { CONFIGURATION_PAGE_SIZES } from "../../http/list-query.ts";
import { fieldViolations, ManagementError, notFound } from "../../http/management-error.ts";
import { wrapped } from "../../http/operation.ts";
import { uuid } from "../../platform/random.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import { READ_ONLY } from "../answer-parts.ts";
import { listInvitedThrough, readAuthoritiesThrough } from "../authority/queries.ts";
import { demandCover } from "../authority/rules.ts";
import { type Call, type Outcome, readPathId, realmOf } from "../call.ts";
import { demandValid } from "../checked.ts";
import { demandPowerOver } from "../demand-power.ts";
import { demandVersion } from "../etag.ts";
import { type EventKind, listChanged } from "../event-draft.ts";
import { holdGroups } from "../group/queries.ts";
import { holdIdentities } from "../identity/queries.ts";
import { lists } from "../list-operation.ts";
import { refuseOthers } from "../list-rules.ts";
import { creates, reads, type WriteCall, writes } from "../operations.ts";
import { findAdminRealmId } from "../realm/queries.ts";
import {
  type AuthenticatorConfig,
  type AuthenticatorConfigKey,
  countShownAuthenticatorConfigs,
  deleteAuthenticatorConfig,
  findAuthenticatorConfig,
  holdAuthenticatorConfig,
  insertAuthenticatorConfig,
  isAuthenticatorConfigUsed,
  listShownAuthenticatorConfigs,
  updateAuthenticatorConfigSettings,
} from "./queries.ts";
import { createAuthenticatorConfig, ROAMING, updateAuthenticatorConfig } from "./rules.ts";
import { AuthenticatorConfigAnswer, AuthenticatorConfigBody, type AuthenticatorConfigSettings } from "./schema.ts";

const CONFIGS = "/v1/tenants/{tenant}/realms/{realm}/authenticator-configs";
const CONFIG = `${CONFIGS}/{authenticator_config}` as const;
const TAG = "Authenticator Configurations";
const BODY = wrapped("authenticator_config", AuthenticatorConfigBody, READ_ONLY);
const EVENT = {
  type: "AuthenticatorConfigOperation",
  resource: "AuthenticatorConfig",
} as const satisfies Partial<EventKind>;

/** The operations of authenticator configs (reference 2.2). */
export const AUTHENTICATOR_CONFIG_OPERATIONS = [
  creates(
    {
      name: "CreateAuthenticatorConfig",
      method: "POST",
      path: CONFIGS,
      tag: TAG,
      summary: "Makes an authenticator config: how people log in to the applications that name it.",
      scopes: ["authenticator-configs:create"],
      body: BODY,
      answer: AuthenticatorConfigAnswer,
      isCreate: true,
      isVersioned: true,
      event: { ...EVENT, action: "CREATE" },
    },
    async (call) => {
      const { authenticator_config: body } = call.body;
      const isAdmin = body.config?.type === "console" && (await isAdminRealm(call.db, realmOf(call)));
      const settings = demandValid(createAuthenticatorConfig(body, { isAdmin }));
      await demandRoaming(call, settings);
      const key = { ...realmOf(call), authenticatorConfigId: uuid(call.deps.random) };
      await insertAuthenticatorConfig(call.db, key, settings, call.nowMs);
      return { value: answerOf({ key, settings }), version: 1, about: { id: key.authenticatorConfigId } };
    },
    { parameter: "authenticator_config", show: showConfig },
  ),
  reads(
    {
      name: "GetAuthenticatorConfig",
      method: "GET",
      path: CONFIG,
      tag: TAG,
      summary: "Shows an authenticator config.",
      scopes: ["authenticator-configs:read"],
      answer: AuthenticatorConfigAnswer,
      isVersioned: true,
    },
    showConfig,
  ),
  lists(
    {
      name: "ListAuthenticatorConfigs",
      path: CONFIGS,
      tag: TAG,
      summary: "Lists the authenticator configs of the realm, those of consoles in the admin realm only.",
      scopes: ["authenticator-configs:read"],
      plural: "authenticator_configs",
      item: AuthenticatorConfigAnswer,
      sizes: CONFIGURATION_PAGE_SIZES,
      takesSkip: true,
      takesFilter: true,
    },
    (call) => ({
      page: (page) => listShownAuthenticatorConfigs(call.db, realmOf(call), page),
      count: (filter) => countShownAuthenticatorConfigs(call.db, realmOf(call), filter),
      idOf: ({ key }) => key.authenticatorConfigId,
      show: answerOf,
    }),
  ),
  writes(
    {
      name: "UpdateAuthenticatorConfig",
      method: "PATCH",
      path: CONFIG,
      tag: TAG,
      summary: "Changes an authenticator config; its type stays.",
      scopes: ["authenticator-configs:update"],
      body: BODY,
      answer: AuthenticatorConfigAnswer,
      isVersioned: true,
      event: { ...EVENT, action: "UPDATE" },
    },
    async (call) => {
      const { db, body, nowMs } = call;
      const config = await getHeld(call);
      const { key } = config;
      // Rule 1: whoever says how people log in to an application can have what they have there.
      demandCover(call.caller, await readAuthoritiesThrough(db, key, key.authenticatorConfigId));
      await demandInvited(call, key);
      const settings = demandValid(updateAuthenticatorConfig(config.settings, body.authenticator_config));
      await demandRoaming(call, settings, config.settings);
      await updateAuthenticatorConfigSettings(db, key, settings, nowMs);
      const about = { id: key.authenticatorConfigId, facts: { changed: listChanged(config.settings, settings) } };
      return { value: answerOf({ key, settings }), version: config.version + 1, about };
    },
  ),
  writes(
    {
      name: "DeleteAuthenticatorConfig",
      method: "DELETE",
      path: CONFIG,
      tag: TAG,
      summary: "Deletes an authenticator config that no application refers to.",
      scopes: ["authenticator-configs:delete"],
      refusals: ["conflict"],
      isVersioned: true,
      event: { ...EVENT, action: "DELETE" },
      // So that no application takes it up at that moment.
      changesRealm: true,
    },
    async (call) => {
      const { key } = await getHeld(call);
      if (await isAuthenticatorConfigUsed(call.db, key)) {
        throw new ManagementError("conflict", "authenticator config has children");
      }
      await demandInvited(call, key);
      await deleteAuthenticatorConfig(call.db, key, call.nowMs);
      return { value: undefined, about: { id: key.authenticatorConfigId } };
    },
  ),
] as const;

async function showConfig(call: Call<unknown, unknown>): Promise<Outcome<AuthenticatorConfigAnswer>> {
  const config = present(await findAuthenticatorConfig(call.db, keyOf(call)), call);
  return { value: answerOf(config), version: config.version };
}

function keyOf(call: Call<unknown, unknown>): AuthenticatorConfigKey {
  const path = { parameter: "authenticator_config", shape: "uuid", kind: "AuthenticatorConfig" } as const;
  return { ...realmOf(call), authenticatorConfigId: readPathId(call.request, path) };
}

function present(config: AuthenticatorConfig | undefined, call: Call<unknown, unknown>): AuthenticatorConfig {
  if (config === undefined) throw notFound("AuthenticatorConfig", keyOf(call).authenticatorConfigId);
  return config;
}

async function getHeld(call: WriteCall<unknown, unknown>): Promise<AuthenticatorConfig> {
  const config = present(await holdAuthenticatorConfig(call.db, keyOf(call)), call);
  demandVersion(call.request, config.version);
  return config;
}

// Rule 1: links of invitations lead to where the config says at the moment they are opened, and bring their token there.
async function demandInvited(call: WriteCall<unknown, unknown>, key: AuthenticatorConfigKey): Promise<void> {
  const { authenticatorConfigId } = key;
  const now = Math.floor(call.nowMs / 1_000);
  const identityIds = await listInvitedThrough(call.db, key, { authenticatorConfigId, now });
  if (identityIds.length > 0) await demandPowerOver(call, key, { identityIds });
}

async function isAdminRealm(db: Queryable, { tenantId, realmId }: RealmKey): Promise<boolean> {
  return (await findAdminRealmId(db, tenantId)) === realmId;
}

// Those that were named before may be gone since: their ids are nobody's any more.
async function demandRoaming(
  call: WriteCall<unknown, unknown>,
  { config: { roaming_auth_config: after } }: AuthenticatorConfigSettings,
  before?: AuthenticatorConfigSettings,
): Promise<void> {
  const lists = [
    { name: "allowed_user_group_ids", hold: holdGroups, reason: "is no group of this realm" },
    { name: "allowed_user_ids", hold: holdIdentities, reason: "is no identity of this realm" },
  ] as const;
  for (const { name, hold, reason } of lists) {
    const named = new Set(before?.config.roaming_auth_config?.[name]);
    const added = (after?.[name] ?? []).filter((id) => !named.has(id));
    const known = new Set(added.length === 0 ? [] : await hold(call.db, realmOf(call), added));
    const violations = refuseOthers(`${ROAMING}.${name}`, added, { has: (id) => known.has(id), reason });
    if (violations.length > 0) throw fieldViolations(violations);
  }
}

function answerOf({ key, settings }: Pick<AuthenticatorConfig, "key" | "settings">): AuthenticatorConfigAnswer {
  const { tenantId, realmId, authenticatorConfigId } = key;
  return { id: authenticatorConfigId, tenant_id: tenantId, realm_id: realmId, ...settings };
}
