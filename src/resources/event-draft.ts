import { insertWithPartitions } from "../database/partitions.ts";
import type { Call } from "./call.ts";
import { eventBucket, insertEvents } from "./event/queries.ts";
import type { EventAction, EventType } from "./event/schema.ts";
import { actorOf } from "./event-source.ts";

/** What an operation's event is. */
export interface EventKind {
  readonly type: EventType;
  readonly action: EventAction;
  /** the kind of object that it is about, as errors name it: `ResourceServer` */
  readonly resource: string;
  /** whether it concerns the tenant as a whole, as the making and ending of realms does */
  readonly ofTenant?: true;
}

/** An event that a call adds to its change. */
export interface EventDraft extends EventKind {
  /** of the object */
  readonly id: string;
  /** names of what changed and the like; never a secret */
  readonly facts?: Readonly<Record<string, unknown>> | undefined;
}

/** Stores the events of a call in the transaction of its change: neither is without the other. */
export async function recordEvents(call: Call<unknown, unknown>, drafts: readonly EventDraft[]): Promise<void> {
  const { request, caller, db, nowMs } = call;
  const { realm = "" } = request.parameters;
  const events = drafts.map(({ type, action, resource, ofTenant, id, facts }) => ({
    ...{ type, action, traceId: request.traceId, atMs: nowMs, actor: actorOf(caller) },
    correlationId: request.correlationId,
    realmId: ofTenant === true ? "" : realm,
    resource: { type: resource, id },
    ...(facts === undefined ? {} : { facts }),
  }));
  await insertEvents(db, caller.tenantId, events);
}

/** Stores events of a call that changes nothing else, outside of any transaction. */
export async function recordEventsAlone(call: Call<unknown, unknown>, drafts: readonly EventDraft[]): Promise<void> {
  const { deps, nowMs } = call;
  await insertWithPartitions(deps.database, "events", [eventBucket(nowMs)], () => recordEvents(call, drafts));
}

/** The names of the members of a resource that differ between two states of it, for the facts of its event. */
export function listChanged(before: object, after: object): readonly string[] {
  const old = new Map<string, unknown>(Object.entries(before));
  const names = new Set([...old.keys(), ...Object.keys(after)]);
  const now = new Map<string, unknown>(Object.entries(after));
  return [...names].filter((name) => JSON.stringify(old.get(name)) !== JSON.stringify(now.get(name)));
}
