import type { Timers } from "../platform/timers.ts";
import { ServerBusy } from "./errors.ts";
import { createWaitingLine, type WaitingLine } from "./waiting-line.ts";

/** So many changes of one tenant are under way in a process at once: the rest of its connections is for others. */
export const PLACES_OF_TENANT = 4;

/** The places that each tenant has for work that holds a connection and locks. */
export interface Places {
  /**
   * Runs `work` when its tenant has a place, which may take as long as the waiting line lets somebody wait.
   *
   * @throws ServerBusy where too many wait, or somebody has waited too long
   */
  hold<T>(tenantId: string, work: () => Promise<T>): Promise<T>;
}

interface TenantPlaces {
  held: number;
  readonly line: WaitingLine;
}

/** Opens the places of a process. A tenant that has nothing under way takes no memory. */
export function createPlaces(timers: Timers): Places {
  const tenants = new Map<string, TenantPlaces>();

  function open(tenantId: string): TenantPlaces {
    const line: WaitingLine = createWaitingLine(timers, () => {
      for (const visitor of line.clear()) visitor.refuse();
    });
    const opened = { held: 0, line };
    tenants.set(tenantId, opened);
    return opened;
  }

  function leave(tenantId: string, tenant: TenantPlaces): void {
    const next = tenant.line.next();
    if (next === undefined) tenant.held -= 1;
    else next.begin(); // the place goes from hand to hand
    if (tenant.held === 0) tenants.delete(tenantId);
  }

  return {
    hold: async (tenantId, work) => {
      const tenant = tenants.get(tenantId) ?? open(tenantId);
      if (tenant.held < PLACES_OF_TENANT) tenant.held += 1;
      else await waitIn(tenant.line);
      try {
        return await work();
      } finally {
        leave(tenantId, tenant);
      }
    },
  };
}

function waitIn(line: WaitingLine): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const refuse = (): void => reject(new ServerBusy());
  if (!line.push({ begin: resolve, refuse, isGone: () => false })) refuse();
  return promise;
}
