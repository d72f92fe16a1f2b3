import { CONFIGURATION_PAGE_SIZES } from "../../http/list-query.ts";
import { fieldViolations, ManagementError } from "../../http/management-error.ts";
import { wrapped } from "../../http/operation.ts";
import { uuid } from "../../platform/random.ts";
import { READ_ONLY } from "../answer-parts.ts";
import { findUsedClientIds } from "../application/queries.ts";
import { findConfidentialApplications } from "../application-place/queries.ts";
import { type Call, type Outcome, realmOf } from "../call.ts";
import { demandValid } from "../checked.ts";
import { demandVersion } from "../etag.ts";
import { type EventKind, listChanged } from "../event-draft.ts";
import { lists } from "../list-operation.ts";
import { refuseOthers } from "../list-rules.ts";
import { creates, reads, type WriteCall, writes } from "../operations.ts";
import { getPathServer } from "../resource-server-path.ts";
import { takeLostScopes } from "../scope-loss/queries.ts";
import {
  countResourceServers,
  deleteResourceServer,
  insertResourceServer,
  isResourceServerUsed,
  listResourceServers,
  type ResourceServer,
  type ResourceServerKey,
  updateResourceServerSettings,
} from "./queries.ts";
import { createResourceServer, updateResourceServer } from "./rules.ts";
import { ResourceServerAnswer, ResourceServerBody } from "./schema.ts";

const SERVERS = "/v1/tenants/{tenant}/realms/{realm}/resource-servers";
const SERVER = `${SERVERS}/{resource_server}` as const;
const TAG = "Resource Servers";
const BODY = wrapped("resource_server", ResourceServerBody, [...READ_ONLY, "is_managed"]);
const EVENT = { type: "ResourceServerOperation", resource: "ResourceServer" } as const satisfies Partial<EventKind>;
const conflicts = { resource_servers_identifier: "resource server already exists" };
/** Most roles and applications that one change takes scopes from. */
const SCOPE_LOSERS_MAX = 10_000;

/**
 * The operations of resource servers (reference 2.2). What changes one has its realm alone, so that no role or application takes a scope
 * or refers to a resource server that is going at that moment.
 */
export const RESOURCE_SERVER_OPERATIONS = [
  creates(
    {
      name: "CreateResourceServer",
      method: "POST",
      path: SERVERS,
      tag: TAG,
      summary: "Makes a resource server: an API that tokens are for, with the scopes that it knows.",
      scopes: ["resource-servers:create"],
      body: BODY,
      answer: ResourceServerAnswer,
      refusals: ["conflict"],
      isCreate: true,
      isVersioned: true,
      conflicts,
      event: { ...EVENT, action: "CREATE" },
    },
    async (call) => {
      const { db, deps, body, nowMs } = call;
      const realm = realmOf(call);
      const { identifier } = body.resource_server;
      const used = identifier ? await findUsedClientIds(db, { tenantId: realm.tenantId }, [identifier]) : undefined;
      const around = { isClientId: used !== undefined && used.size > 0, publicUrl: deps.config.publicUrl };
      const settings = demandValid(createResourceServer(body.resource_server, around));
      await demandIntrospectors(call, settings.introspectors);
      const key = { ...realm, resourceServerId: uuid(deps.random) };
      await insertResourceServer(db, key, { isManaged: false, settings }, nowMs);
      return { value: answerOf({ key, isManaged: false, settings }), version: 1, about: { id: key.resourceServerId } };
    },
    { parameter: "resource_server", show: showServer },
  ),
  reads(
    {
      name: "GetResourceServer",
      method: "GET",
      path: SERVER,
      tag: TAG,
      summary: "Shows a resource server.",
      scopes: ["resource-servers:read"],
      answer: ResourceServerAnswer,
      isVersioned: true,
    },
    showServer,
  ),
  lists(
    {
      name: "ListResourceServers",
      path: SERVERS,
      tag: TAG,
      summary: "Lists the resource servers of the realm.",
      scopes: ["resource-servers:read"],
      plural: "resource_servers",
      item: ResourceServerAnswer,
      sizes: CONFIGURATION_PAGE_SIZES,
      takesSkip: true,
      takesFilter: true,
    },
    (call) => ({
      page: (page) => listResourceServers(call.db, realmOf(call), page),
      count: (filter) => countResourceServers(call.db, realmOf(call), filter),
      idOf: ({ key }) => key.resourceServerId,
      show: answerOf,
    }),
  ),
  writes(
    {
      name: "UpdateResourceServer",
      method: "PATCH",
      path: SERVER,
      tag: TAG,
      summary: "Changes a resource server; scopes that it loses leave its roles and applications at once.",
      scopes: ["resource-servers:update"],
      body: BODY,
      answer: ResourceServerAnswer,
      refusals: ["conflict"],
      isVersioned: true,
      event: { ...EVENT, action: "UPDATE" },
      changesRealm: true,
    },
    async (call) => {
      const { db, body, nowMs } = call;
      const server = await getChangeable(call);
      const { key } = server;
      const settings = demandValid(updateResourceServer(server.settings, body.resource_server));
      // Those that were named before may be gone since: their ids are nobody's any more.
      const named = new Set(server.settings.introspectors);
      await demandIntrospectors(
        call,
        settings.introspectors.filter((id) => !named.has(id)),
      );
      await updateResourceServerSettings(db, key, settings, nowMs);
      const kept = new Set(settings.scopes);
      const removed = server.settings.scopes.filter((scope) => !kept.has(scope));
      if (removed.length > 0) await takeScopes(call, key, removed);
      const about = { id: key.resourceServerId, facts: { changed: listChanged(server.settings, settings) } };
      return { value: answerOf({ ...server, settings }), version: server.version + 1, about };
    },
  ),
  writes(
    {
      name: "DeleteResourceServer",
      method: "DELETE",
      path: SERVER,
      tag: TAG,
      summary: "Deletes a resource server that no role and no application refers to.",
      scopes: ["resource-servers:delete"],
      refusals: ["conflict"],
      isVersioned: true,
      event: { ...EVENT, action: "DELETE" },
      changesRealm: true,
    },
    async (call) => {
      const { key } = await getChangeable(call);
      if (await isResourceServerUsed(call.db, key)) {
        throw new ManagementError("conflict", "resource server has children");
      }
      await deleteResourceServer(call.db, key, call.nowMs);
      return { value: undefined, about: { id: key.resourceServerId } };
    },
  ),
] as const;

async function showServer(call: Call<unknown, unknown>): Promise<Outcome<ResourceServerAnswer>> {
  const server = await getPathServer(call);
  return { value: answerOf(server), version: server.version };
}

async function getChangeable(call: WriteCall<unknown, unknown>): Promise<ResourceServer> {
  const server = await getPathServer(call);
  if (server.isManaged) throw new ManagementError("forbidden", "the built-in resource server cannot be changed");
  demandVersion(call.request, server.version);
  return server;
}

async function demandIntrospectors(call: WriteCall<unknown, unknown>, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const known = await findConfidentialApplications(call.db, realmOf(call), ids);
  const allowed = { has: (id: string) => known.has(id), reason: "is no confidential application of this realm" };
  const violations = refuseOthers("resource_server.introspectors", ids, allowed);
  if (violations.length > 0) throw fieldViolations(violations);
}

// In the same transaction: were they left there, a scope that comes back later would be granted to whoever had it before.
async function takeScopes(
  call: WriteCall<unknown, unknown>,
  key: ResourceServerKey,
  scopes: readonly string[],
): Promise<void> {
  const { roleIds, applicationIds } = await takeLostScopes(call.db, key, scopes, call.nowMs);
  if (roleIds.length + applicationIds.length > SCOPE_LOSERS_MAX) {
    throw new ManagementError("conflict", `over ${SCOPE_LOSERS_MAX} roles and applications have these scopes`);
  }
  for (const id of roleIds) {
    call.record({ type: "RoleScopesOperation", action: "DELETE", resource: "Role", id, facts: { scopes } });
  }
  for (const id of applicationIds) {
    const facts = { changed: ["protocol_config"], scopes };
    call.record({ type: "ApplicationOperation", action: "UPDATE", resource: "Application", id, facts });
  }
}

function answerOf({ key, isManaged, settings }: Pick<ResourceServer, "key" | "isManaged" | "settings">) {
  const { tenantId, realmId, resourceServerId } = key;
  return { id: resourceServerId, tenant_id: tenantId, realm_id: realmId, is_managed: isManaged, ...settings };
}
