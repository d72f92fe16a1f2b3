import { DIRECTORY_PAGE_SIZES } from "../../http/list-query.ts";
import { ManagementError, notFound } from "../../http/management-error.ts";
import { wrapped } from "../../http/operation.ts";
import { hexId } from "../../platform/random.ts";
import { READ_ONLY, timesOf } from "../answer-parts.ts";
import { type Call, type Outcome, realmOf } from "../call.ts";
import { demandValid } from "../checked.ts";
import { demandVersion } from "../etag.ts";
import { type EventKind, listChanged } from "../event-draft.ts";
import { lists } from "../list-operation.ts";
import { creates, reads, writes } from "../operations.ts";
import {
  countRealms,
  deleteRealm,
  findRealm,
  hasRealmChildren,
  insertRealm,
  listRealms,
  type Realm,
  updateRealmSettings,
} from "./queries.ts";
import { createRealm, updateRealm } from "./rules.ts";
import { RealmAnswer, RealmBody } from "./schema.ts";

const REALMS = "/v1/tenants/{tenant}/realms";
const PATH = `${REALMS}/{realm}` as const;
const BODY = wrapped("realm", RealmBody, [...READ_ONLY, "is_admin"]);
const TAG = "Realms";
const EVENT = { type: "V1RealmChange", resource: "Realm" } as const satisfies Partial<EventKind>;
const TENANT_EVENT = { ...EVENT, ofTenant: true } as const satisfies Partial<EventKind>;
const conflicts = { realms_display_name: "realm already exists" };

/** The operations of realms (reference 2.2). */
export const REALM_OPERATIONS = [
  creates(
    {
      name: "CreateRealm",
      method: "POST",
      path: REALMS,
      tag: TAG,
      summary: "Makes a realm: its own people, applications, keys and sessions.",
      scopes: ["realms:create"],
      body: BODY,
      answer: RealmAnswer,
      refusals: ["conflict"],
      isCreate: true,
      isVersioned: true,
      conflicts,
      event: { ...TENANT_EVENT, action: "CREATE" },
    },
    async (call) => {
      const { db, body, deps, nowMs } = call;
      const settings = demandValid(createRealm(body.realm, { isAdmin: false }));
      const key = { tenantId: call.caller.tenantId, realmId: hexId(deps.random) };
      await insertRealm(db, key, { isAdmin: false, settings }, nowMs);
      const value = answerOf({ key, isAdmin: false, settings, createdAtMs: nowMs, updatedAtMs: nowMs });
      return { value, version: 1, about: { id: key.realmId } };
    },
    { parameter: "realm", show: showRealm },
  ),
  reads(
    {
      name: "GetRealm",
      method: "GET",
      path: PATH,
      tag: TAG,
      summary: "Shows a realm.",
      scopes: ["realms:read"],
      answer: RealmAnswer,
      isVersioned: true,
    },
    showRealm,
  ),
  lists(
    {
      name: "ListRealms",
      path: REALMS,
      tag: TAG,
      summary: "Lists the realms of the tenant.",
      scopes: ["realms:read"],
      plural: "realms",
      item: RealmAnswer,
      sizes: DIRECTORY_PAGE_SIZES,
      takesSkip: true,
      takesFilter: true,
    },
    ({ db, caller: { tenantId } }) => ({
      page: (page) => listRealms(db, tenantId, page),
      count: (filter) => countRealms(db, tenantId, filter),
      idOf: ({ key }) => key.realmId,
      show: answerOf,
    }),
  ),
  writes(
    {
      name: "UpdateRealm",
      method: "PATCH",
      path: PATH,
      tag: TAG,
      summary: "Changes a realm.",
      scopes: ["realms:update"],
      body: BODY,
      answer: RealmAnswer,
      refusals: ["conflict"],
      isVersioned: true,
      conflicts,
      event: { ...EVENT, action: "UPDATE" },
      changesRealm: true,
    },
    async (call) => {
      const { db, body, nowMs } = call;
      const key = realmOf(call);
      const realm = await findRealm(db, key);
      if (realm === undefined) throw notFound("Realm", key.realmId);
      demandVersion(call.request, realm.version);
      const settings = demandValid(updateRealm(realm.settings, body.realm, realm));
      await updateRealmSettings(db, key, settings, nowMs);
      const about = { id: key.realmId, facts: { changed: listChanged(realm.settings, settings) } };
      return { value: answerOf({ ...realm, settings, updatedAtMs: nowMs }), version: realm.version + 1, about };
    },
  ),
  writes(
    {
      name: "DeleteRealm",
      method: "DELETE",
      path: PATH,
      tag: TAG,
      summary: "Deletes a realm that has no identities, groups and roles; its applications and tokens end with it.",
      scopes: ["realms:delete"],
      refusals: ["conflict"],
      isVersioned: true,
      event: { ...TENANT_EVENT, action: "DELETE" },
      changesRealm: true,
    },
    async (call) => {
      const key = realmOf(call);
      const realm = await findRealm(call.db, key);
      if (realm === undefined) throw notFound("Realm", key.realmId);
      if (realm.isAdmin) throw new ManagementError("forbidden", "the admin realm cannot be deleted");
      demandVersion(call.request, realm.version);
      if (await hasRealmChildren(call.db, key)) throw new ManagementError("conflict", "realm has children");
      await deleteRealm(call.db, key, call.nowMs);
      return { value: undefined, about: { id: key.realmId } };
    },
  ),
] as const;

async function showRealm(call: Call<unknown, unknown>): Promise<Outcome<RealmAnswer>> {
  const realm = await findRealm(call.db, realmOf(call));
  if (realm === undefined) throw notFound("Realm", realmOf(call).realmId);
  return { value: answerOf(realm), version: realm.version };
}

function answerOf(realm: Omit<Realm, "version">): RealmAnswer {
  const { key, settings, isAdmin } = realm;
  return { id: key.realmId, tenant_id: key.tenantId, ...settings, is_admin: isAdmin, ...timesOf(realm) };
}
