import { wrapped } from "../../http/operation.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import { realmOf } from "../call.ts";
import { demandValid } from "../checked.ts";
import { demandVersion } from "../etag.ts";
import { listChanged } from "../event-draft.ts";
import { reads, writes } from "../operations.ts";
import { findConsoleConfig, storeConsoleConfig } from "./queries.ts";
import { updateConsoleConfig } from "./rules.ts";
import { ConsoleConfigAnswer, ConsoleConfigBody, type ConsoleConfigSettings } from "./schema.ts";

const PATH = "/v1/tenants/{tenant}/realms/{realm}/console-configs";
const TAG = "Console";

/** The operations of a realm's console config: of our own making (reference, gap 62). */
export const CONSOLE_CONFIG_OPERATIONS = [
  reads(
    {
      name: "GetConsoleConfig",
      method: "GET",
      path: PATH,
      tag: TAG,
      summary: "Shows what an administration console shows of the realm.",
      scopes: ["console-configs:read"],
      answer: ConsoleConfigAnswer,
      isVersioned: true,
    },
    async (call) => {
      const { settings, version } = await findConsoleConfig(call.db, realmOf(call));
      return { value: answerOf(realmOf(call), settings), version };
    },
  ),
  writes(
    {
      name: "UpdateConsoleConfig",
      method: "PATCH",
      path: PATH,
      tag: TAG,
      summary: "Changes what an administration console shows of the realm.",
      scopes: ["console-configs:update"],
      body: wrapped("console_config", ConsoleConfigBody, ["tenant_id", "realm_id"]),
      answer: ConsoleConfigAnswer,
      isVersioned: true,
      event: { type: "V1RealmChange", action: "UPDATE", resource: "ConsoleConfig" },
      changesRealm: true,
    },
    async (call) => {
      const { db, body, nowMs, request } = call;
      const realm = realmOf(call);
      const current = await findConsoleConfig(db, realm);
      demandVersion(request, current.version);
      const settings = demandValid(updateConsoleConfig(current.settings, body.console_config));
      await storeConsoleConfig(db, realm, settings, nowMs);
      const about = { id: realm.realmId, facts: { changed: listChanged(current.settings, settings) } };
      return { value: answerOf(realm, settings), version: current.version + 1, about };
    },
  ),
] as const;

function answerOf({ tenantId, realmId }: RealmKey, settings: ConsoleConfigSettings): ConsoleConfigAnswer {
  return { tenant_id: tenantId, realm_id: realmId, ...settings };
}
