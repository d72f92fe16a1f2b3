import type { Deps } from "../deps.ts";
import { createCacheMeter } from "../platform/cache-meter.ts";
import {
  type ApplicationContext,
  type ApplicationKey,
  applicationPath,
  contextStamp,
} from "../protocol/client-metadata.ts";
import { findApplicationContext } from "../resources/application/queries.ts";
import type { TenantClasses } from "./tenant-classes.ts";

const STALE_MS_MAX = 2_000; // rule 7
const CONTEXTS_MAX = 10_000;

/** The configuration around applications, kept per node. What must be live is read with each request and judged by its stamp. */
export interface ContextCache {
  /** At most two seconds old; undefined when tenant, realm or application do not exist. */
  get(key: ApplicationKey): Promise<ApplicationContext | undefined>;
  /** Exactly the version that a strict look-up has just seen, read anew if the kept one is another. */
  fresh(key: ApplicationKey, stamp: string): Promise<ApplicationContext | undefined>;
  /** Forgets a tenant's contexts on this node. */
  forget(tenantId: string): void;
}

interface Kept {
  readonly context: ApplicationContext;
  readonly stamp: string;
  readonly readAtMs: number;
}

type ContextDeps = Pick<Deps, "database" | "clock" | "metrics">;

/** A cache that holds the applications used last. */
export function createContextCache(deps: ContextDeps, tenants: TenantClasses): ContextCache {
  const { database, clock, metrics } = deps;
  const meter = createCacheMeter(metrics, "application");
  const kept = new Map<string, Kept>();
  const reading = new Map<string, Promise<ApplicationContext | undefined>>();

  async function read(key: ApplicationKey, name: string): Promise<ApplicationContext | undefined> {
    const readAtMs = clock.monotonicMs();
    const context = await findApplicationContext(database.tenants([key.tenantId]), key);
    kept.delete(name);
    if (context === undefined) return undefined;
    tenants.remember(key.tenantId, context.tenant.kind);
    const oldest = kept.keys().next();
    if (kept.size >= CONTEXTS_MAX && !oldest.done) kept.delete(oldest.value);
    kept.set(name, { context, stamp: contextStamp(context), readAtMs });
    return context;
  }

  function readOnce(key: ApplicationKey, name: string): Promise<ApplicationContext | undefined> {
    const running = reading.get(name);
    if (running !== undefined) return running;
    const started = read(key, name).finally(() => reading.delete(name));
    reading.set(name, started);
    return started;
  }

  return {
    get: async (key) => {
      const name = applicationPath(key);
      const entry = kept.get(name);
      const isKept = entry !== undefined && clock.monotonicMs() - entry.readAtMs <= STALE_MS_MAX;
      (isKept ? meter.hit : meter.miss).add();
      return isKept ? entry.context : readOnce(key, name);
    },
    fresh: async (key, stamp) => {
      const name = applicationPath(key);
      const entry = kept.get(name);
      const isCurrent = entry?.stamp === stamp;
      (isCurrent ? meter.hit : meter.miss).add();
      return isCurrent ? entry.context : read(key, name);
    },
    forget: (tenantId) => {
      for (const [name, entry] of kept) if (entry.context.key.tenantId === tenantId) kept.delete(name);
    },
  };
}
