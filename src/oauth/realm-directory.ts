import type { Deps } from "../deps.ts";
import { createCacheMeter } from "../platform/cache-meter.ts";
import { createExpiringCache } from "../platform/expiring-cache.ts";
import type { ApplicationKey, RealmKey } from "../protocol/client-metadata.ts";
import { findApplicationByClientId } from "../resources/application/queries.ts";
import { findAdminRealmId, findRealmFacts, type RealmFacts } from "../resources/realm/queries.ts";
import { listTrustedOrigins } from "../resources/trusted-origin/queries.ts";
import type { TenantClasses } from "./tenant-classes.ts";

const GOOD_FOR_MS = 2_000; // rule 7
const ENTRIES_MAX = 20_000;

/** Where things are in a tenant: realms, their admin realm, applications by client_id. At most two seconds old. */
export interface RealmDirectory {
  facts(realm: RealmKey): Promise<RealmFacts | undefined>;
  adminRealm(tenantId: string): Promise<RealmKey | undefined>;
  applicationOf(realm: RealmKey, clientId: string): Promise<ApplicationKey | undefined>;
  /** The same as the database says it now, and known so from now on: a `client_id` may have moved to another application. */
  currentApplicationOf(realm: RealmKey, clientId: string): Promise<ApplicationKey | undefined>;
  /** The origins whose pages may call the routes of a realm. */
  trustedOrigins(realm: RealmKey): Promise<ReadonlySet<string>>;
  /** Forgets what this node knows of a tenant, or of all. */
  forget(tenantId?: string): void;
}

type DirectoryDeps = Pick<Deps, "database" | "clock" | "metrics">;

export function createRealmDirectory(deps: DirectoryDeps, tenants: TenantClasses): RealmDirectory {
  const { database, clock } = deps;
  const meter = createCacheMeter(deps.metrics, "realm");
  const limits = { entriesMax: ENTRIES_MAX, goodForMs: GOOD_FOR_MS, meter };
  const facts = createExpiringCache<RealmFacts>(limits, clock.monotonicMs);
  const admins = createExpiringCache<RealmKey>(limits, clock.monotonicMs);
  const applications = createExpiringCache<ApplicationKey>(limits, clock.monotonicMs);
  const origins = createExpiringCache<ReadonlySet<string>>(limits, clock.monotonicMs);
  const applicationOf = (realm: RealmKey, clientId: string): Promise<ApplicationKey | undefined> =>
    applications.get(nameOf(realm, clientId), async () => {
      const found = await findApplicationByClientId(database.tenants([realm.tenantId]), realm, clientId);
      return found?.key;
    });
  return {
    facts: (realm) =>
      facts.get(`${realm.tenantId}/${realm.realmId}`, async () => {
        const found = await findRealmFacts(database.tenants([realm.tenantId]), realm);
        if (found !== undefined) tenants.remember(realm.tenantId, found.tenantKind);
        return found;
      }),
    adminRealm: (tenantId) =>
      admins.get(tenantId, async () => {
        const realmId = await findAdminRealmId(database.tenants([tenantId]), tenantId);
        return realmId === undefined ? undefined : { tenantId, realmId };
      }),
    applicationOf,
    trustedOrigins: async (realm) =>
      (await origins.get(`${realm.tenantId}/${realm.realmId}`, () =>
        listTrustedOrigins(database.tenants([realm.tenantId]), realm),
      )) ?? new Set(),
    currentApplicationOf: (realm, clientId) => {
      applications.forget(nameOf(realm, clientId));
      return applicationOf(realm, clientId);
    },
    forget: (tenantId = "") => {
      for (const cache of [facts, admins, applications, origins]) cache.forget(tenantId);
    },
  };
}

function nameOf({ tenantId, realmId }: RealmKey, clientId: string): string {
  return `${tenantId}/${realmId}/${clientId}`;
}
