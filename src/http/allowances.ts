import type { Clock } from "../platform/clock.ts";

const MINUTE_MS = 60_000;
/** Whom a node remembers; a hundred bytes each. */
const REMEMBERED_MAX = 10_000;

/** A part of a minute's allowance, as the nodes' common row gives it. */
export interface LeasedPart {
  /** requests a minute, by all nodes */
  readonly allowed: number;
  /** of this minute, by all nodes, this part included */
  readonly taken: number;
  /** this part; 0 when all is taken */
  readonly granted: number;
}

/** What a node asks the common row for: at most `wanted` requests of a minute, or a first part. */
export interface WantedPart {
  /** minutes since 1970, in real time */
  readonly minute: number;
  readonly wanted: number | undefined;
}

/** What one request came to. */
export interface Admission {
  readonly isAdmitted: boolean;
  /** of a refusal: the first that this node tells of in this minute */
  readonly isFirstRefusal: boolean;
  /** requests a minute, as far as this node has heard */
  readonly allowed: number;
  /** of this minute, as far as this node has heard */
  readonly remaining: number;
  /** until the next minute begins, at least 1 */
  readonly resetSeconds: number;
}

/** Bounds what each of many may ask in a minute, by all nodes together (decision 21). */
export interface Allowances<Who> {
  /** Counts a request, and says whether it is within the minute's allowance. Who is refused costs no statement. */
  take(who: Who): Promise<Admission>;
}

export interface AllowanceParts<Who> {
  readonly clock: Pick<Clock, "nowMs">;
  readonly nameOf: (who: Who) => string;
  /** Takes a part from the common row. Undefined when whose it was is gone. */
  readonly lease: (who: Who, part: WantedPart) => Promise<LeasedPart | undefined>;
  /** what a node lets everyone ask in a minute without a look at the common row; 0, if absent */
  readonly unasked?: number;
}

/** What a node holds of somebody's allowance. */
interface Allowance {
  readonly minute: number;
  allowed: number;
  taken: number;
  /** of what this node took, what it has not used */
  left: number;
  /** the last part that it took */
  part: number;
  isSpent: boolean;
  hasRefused: boolean;
  leasing: Promise<void> | undefined;
}

/** A node's part in it. In real time: a tenant whose clock is moved gets nothing by it (rule 26). */
export function createAllowances<Who>({ clock, nameOf, lease, unasked = 0 }: AllowanceParts<Who>): Allowances<Who> {
  const kept = new Map<string, Allowance>();

  function find(name: string, minute: number): Allowance {
    const known = kept.get(name);
    if (known !== undefined && known.minute >= minute) return known;
    const begun = { allowed: 0, taken: 0, left: unasked, part: 0 };
    const fresh = { ...begun, minute, isSpent: false, hasRefused: false, leasing: undefined };
    kept.delete(name);
    const oldest = kept.keys().next();
    if (kept.size >= REMEMBERED_MAX && !oldest.done) kept.delete(oldest.value);
    kept.set(name, fresh);
    return fresh;
  }

  async function ask(who: Who, allowance: Allowance): Promise<void> {
    // Who asks much takes twice as much each time, up to what the row gives at once.
    const wanted = allowance.part === 0 ? undefined : allowance.part * 2;
    const part = (await lease(who, { minute: allowance.minute, wanted })) ?? { allowed: 1, taken: 1, granted: 1 };
    allowance.allowed = part.allowed;
    allowance.taken = part.taken;
    allowance.left += part.granted;
    allowance.part = part.granted;
    allowance.isSpent = part.granted === 0;
  }

  return {
    take: async (who) => {
      const name = nameOf(who);
      for (;;) {
        const nowMs = clock.nowMs();
        const allowance = find(name, Math.floor(nowMs / MINUTE_MS));
        const resetSeconds = Math.max(1, Math.ceil(((allowance.minute + 1) * MINUTE_MS - nowMs) / 1_000));
        if (allowance.left > 0) {
          allowance.left -= 1;
          return admission(allowance, { isAdmitted: true, isFirstRefusal: false, resetSeconds });
        }
        if (allowance.isSpent) {
          const isFirstRefusal = !allowance.hasRefused;
          allowance.hasRefused = true;
          return admission(allowance, { isAdmitted: false, isFirstRefusal, resetSeconds });
        }
        // Requests that come meanwhile wait for the same part.
        allowance.leasing ??= ask(who, allowance).finally(() => {
          allowance.leasing = undefined;
        });
        await allowance.leasing;
      }
    },
  };
}

type Outcome = Pick<Admission, "isAdmitted" | "isFirstRefusal" | "resetSeconds">;

function admission({ allowed, taken, left }: Allowance, outcome: Outcome): Admission {
  return { ...outcome, allowed, remaining: Math.max(0, allowed - taken + left) };
}
