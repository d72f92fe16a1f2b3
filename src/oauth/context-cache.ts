import type { Deps } from "../deps.ts";
import { createCacheMeter } from "../platform/cache-meter.ts";
import { shareOne } from "../platform/share-one.ts";
import { type ApplicationKey, applicationPath } from "../protocol/client-metadata.ts";
import { type CurrentApplication, findCurrentApplication, type LiveClient } from "../resources/application/queries.ts";
import type { TenantClasses } from "./tenant-classes.ts";

const STALE_MS_MAX = 2_000; // rule 7
const CONTEXTS_MAX = 10_000;

/** The configuration around applications, kept per node. What must be live is judged by its stamp, in the statement it matters for. */
export interface ContextCache {
  /** At most two seconds old; undefined when tenant, realm or application do not exist. */
  get(key: ApplicationKey): Promise<CurrentApplication | undefined>;
  /** As a strict look-up has just seen it, read anew if the kept one is another. */
  fresh(key: ApplicationKey, live: LiveClient): Promise<CurrentApplication | undefined>;
  /** Forgets what this node knows of a tenant, or of all. */
  forget(tenantId?: string): void;
}

interface Kept {
  readonly current: CurrentApplication;
  readonly readAtMs: number;
}

type ContextDeps = Pick<Deps, "database" | "clock" | "metrics">;

/** A cache that holds the applications used last. */
export function createContextCache(deps: ContextDeps, tenants: TenantClasses): ContextCache {
  const { database, clock, metrics } = deps;
  const meter = createCacheMeter(metrics, "application");
  const kept = new Map<string, Kept>();
  const reading = new Map<string, Promise<CurrentApplication | undefined>>();
  let forgotten = 0;

  async function read(key: ApplicationKey, name: string): Promise<CurrentApplication | undefined> {
    const readAtMs = clock.monotonicMs();
    const before = forgotten;
    const current = await findCurrentApplication(database.tenants([key.tenantId]), key);
    kept.delete(name);
    if (current === undefined) return undefined;
    tenants.remember(key.tenantId, current.context.tenant.kind);
    // It may have changed since it was read.
    if (before !== forgotten) return current;
    const oldest = kept.keys().next();
    if (kept.size >= CONTEXTS_MAX && !oldest.done) kept.delete(oldest.value);
    kept.set(name, { current, readAtMs });
    return current;
  }

  return {
    get: async (key) => {
      const name = applicationPath(key);
      const entry = kept.get(name);
      const isKept = entry !== undefined && clock.monotonicMs() - entry.readAtMs <= STALE_MS_MAX;
      (isKept ? meter.hit : meter.miss).add();
      return isKept ? entry.current : shareOne(reading, name, () => read(key, name));
    },
    fresh: async (key, live) => {
      const name = applicationPath(key);
      const entry = kept.get(name);
      const isCurrent = entry?.current.live.stamp === live.stamp;
      (isCurrent ? meter.hit : meter.miss).add();
      if (isCurrent) return entry.current;
      // A look-up that another began when this stamp had been seen shows at least what is to be seen of it.
      return shareOne(reading, `${name} ${live.stamp}`, () => read(key, name));
    },
    forget: (tenantId) => {
      forgotten += 1;
      reading.clear(); // who asks from now on wants it as it is from now on
      for (const [name, entry] of kept)
        if (tenantId === undefined || entry.current.context.key.tenantId === tenantId) kept.delete(name);
    },
  };
}
