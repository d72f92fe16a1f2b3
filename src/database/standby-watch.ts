import { DatabaseUnavailable } from "./database-error.ts";

/** Notices that commits wait for a synchronous standby which does not confirm them. */
export interface StandbyWatch {
  /** Tells that the server did not answer in time, whyever. */
  suspect(): void;
  /** Rejects while commits wait; undefined while nobody has cause to ask. */
  admit(): Promise<void> | undefined;
}

/** Whoever asks again within this time is told what was found. */
const LOOK_EVERY_MS = 300;

/** SQL for the commits of this role that wait for a standby: no reader waits, and each stands for a connection that nobody uses any more. */
export const WAITING_COMMITS =
  "SELECT concat(pid, ' ', backend_xid) AS commit FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

/**
 * A commit that waits for its standby cannot be given up: the server keeps its connection until the standby is back. Whoever goes on
 * to write leaves one connection after the other behind, until the server has none for those who only read.
 *
 * @param readWaiting names the commits that wait now
 */
export function createStandbyWatch(readWaiting: () => Promise<readonly string[]>): StandbyWatch {
  let isSuspect = false;
  let before: ReadonlySet<string> | undefined;
  let looked: Promise<void> | undefined;

  // Each commit waits for a moment; one that waits at two looks is stuck.
  async function look(): Promise<void> {
    const waiting = new Set(await readWaiting());
    const isStuck = [...waiting].some((one) => before?.has(one) ?? true);
    before = waiting;
    if (isStuck) throw new DatabaseUnavailable("the standby does not confirm what is committed");
    isSuspect = false;
    before = undefined;
  }

  return {
    suspect: () => {
      isSuspect = true;
    },
    admit: () => {
      if (!isSuspect) return undefined;
      looked ??= look().finally(() => setTimeout(() => (looked = undefined), LOOK_EVERY_MS).unref());
      return looked;
    },
  };
}
