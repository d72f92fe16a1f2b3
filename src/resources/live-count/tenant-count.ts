import {
  type CountingPlan,
  type LiveCounts,
  planCounting,
  type Quotas,
  stricterPlan,
} from "../../protocol/live-count.ts";
import type { CountChange, CountedKind, StoredCounts } from "./queries.ts";

/** What a node knows of one application: what the database said, and what it counted itself since. */
interface ApplicationCount {
  readonly realmId: string;
  readonly applicationId: string;
  /** in the database, when it was read */
  stored: number;
  /** counted by this node since, and written */
  written: number;
  /** counted by this node and not written, by the slot's end */
  readonly pending: Map<number, number>;
  pendingSum: number;
  firstEndsAt: number | undefined;
  quotas: Quotas | undefined;
}

/** What a node knows of one tenant. Its applications are those that this node has to do with. */
export interface TenantCount {
  readonly tenantId: string;
  readonly applications: Map<string, ApplicationCount>;
  stored: number;
  written: number;
  pendingSum: number;
  firstEndsAt: number | undefined;
  clockOffsetSeconds: number;
  /** when the database was read last, in monotonic milliseconds; undefined: never, or not for all applications */
  readAtMs: number | undefined;
  /** when an exact count was asked for last, in monotonic milliseconds */
  wantedAtMs: number | undefined;
  /** how many were counted since the last read, and how many of them wait to be written */
  unread: number;
  heldBack: number;
  plan: CountingPlan;
}

/** Nothing is known: whatever comes first, look at once. */
const PLAN_OF_THE_UNKNOWN: CountingPlan = { isNear: false, isFine: true, heldBackMax: 25, unreadMax: 1 };

export function createTenantCount(tenantId: string): TenantCount {
  return {
    tenantId,
    applications: new Map(),
    stored: 0,
    written: 0,
    pendingSum: 0,
    firstEndsAt: undefined,
    clockOffsetSeconds: 0,
    readAtMs: undefined,
    wantedAtMs: undefined,
    unread: 0,
    heldBack: 0,
    plan: PLAN_OF_THE_UNKNOWN,
  };
}

/** The application's part; a new one makes what was read incomplete. */
export function applicationOf(
  count: TenantCount,
  place: { readonly realmId: string; readonly applicationId: string },
): ApplicationCount {
  const name = `${place.realmId}/${place.applicationId}`;
  const known = count.applications.get(name);
  if (known !== undefined) return known;
  const { realmId, applicationId } = place;
  const made: ApplicationCount = {
    realmId,
    applicationId,
    stored: 0,
    written: 0,
    pending: new Map(),
    pendingSum: 0,
    firstEndsAt: undefined,
    quotas: undefined,
  };
  count.applications.set(name, made);
  count.readAtMs = undefined;
  return made;
}

/** What lives as far as this node knows; never negative (rule 37). */
export function liveOf(count: TenantCount, application: ApplicationCount): LiveCounts {
  return { tenant: sumOf(count), application: sumOf(application) };
}

function sumOf({ stored, written, pendingSum }: Pick<TenantCount, "stored" | "written" | "pendingSum">): number {
  return Math.max(0, stored + written + pendingSum);
}

/** Remembers the quotas that hold now; others than before make another plan. */
export function setQuotas(count: TenantCount, application: ApplicationCount, quotas: Quotas): void {
  const known = application.quotas;
  if (known?.tenant === quotas.tenant && known.application === quotas.application) return;
  application.quotas = quotas;
  makePlan(count);
}

/** Counts a change in a slot. */
export function countChange(
  count: TenantCount,
  application: ApplicationCount,
  slot: { readonly endsAt: number; readonly change: number },
): void {
  const { endsAt, change } = slot;
  application.pending.set(endsAt, (application.pending.get(endsAt) ?? 0) + change);
  application.pendingSum += change;
  count.pendingSum += change;
  count.unread += 1;
  count.heldBack += 1;
}

/** Takes what is to be written, but for what is over meanwhile: the pending part is empty afterwards. */
export function takePending(count: TenantCount, kind: CountedKind, realNow: number): CountChange[] {
  const now = realNow + count.clockOffsetSeconds;
  const changes: CountChange[] = [];
  for (const { realmId, applicationId, pending } of count.applications.values()) {
    for (const [endsAt, change] of pending) {
      if (endsAt > now && change !== 0) {
        changes.push({ tenantId: count.tenantId, kind, realmId, applicationId, endsAt, change });
      }
    }
    pending.clear();
  }
  for (const part of [count, ...count.applications.values()]) part.pendingSum = 0;
  for (const { realmId, applicationId, change } of changes) {
    applicationOf(count, { realmId, applicationId }).written += change;
    count.written += change;
  }
  count.heldBack = 0;
  return changes;
}

/** What was taken did not get there: it waits again. */
export function putBack(count: TenantCount, changes: readonly CountChange[]): void {
  for (const one of changes) {
    const application = applicationOf(count, one);
    application.written -= one.change;
    count.written -= one.change;
    countChange(count, application, one);
  }
}

/** Takes over what the database says. Everything written before it was read is in it. */
export function applyStored(count: TenantCount, read: StoredCounts | undefined, atMs: number): void {
  for (const part of [count, ...count.applications.values()]) {
    part.stored = 0;
    part.written = 0;
    part.firstEndsAt = undefined;
  }
  for (const { realmId, applicationId, live, firstEndsAt } of read?.counts ?? []) {
    const application = count.applications.get(`${realmId}/${applicationId}`);
    count.stored += live;
    count.firstEndsAt = earlier(count.firstEndsAt, firstEndsAt);
    if (application === undefined) continue;
    application.stored = live;
    application.firstEndsAt = firstEndsAt;
  }
  count.clockOffsetSeconds = read?.clockOffsetSeconds ?? count.clockOffsetSeconds;
  count.readAtMs = atMs;
  count.unread = 0;
  makePlan(count);
}

function makePlan(count: TenantCount): void {
  const plans = [...count.applications.values()].flatMap((application) =>
    application.quotas === undefined ? [] : planCounting(liveOf(count, application), application.quotas),
  );
  count.plan = plans.length === 0 ? PLAN_OF_THE_UNKNOWN : plans.reduce(stricterPlan);
}

function earlier(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}
