import assert from "node:assert/strict";
import { newTraceId } from "../../src/http/trace-id.ts";
import { type RealmKey, realmPath } from "../../src/protocol/client-metadata.ts";
import { insertEvents, type NewEvent } from "../../src/resources/event/queries.ts";
import { type Answer, call } from "./http.ts";
import type { TestTenant } from "./test-tenant.ts";

/** An event as the API shows it. */
export interface ShownEvent {
  readonly id: string;
  readonly type: string;
  readonly outcome?: string;
  readonly time: string;
  readonly actor: { readonly type: string; readonly id?: string };
  readonly payload: Readonly<Record<string, unknown>>;
  readonly [member: string]: unknown;
}

/** The events of a page. */
export function eventsOf({ json }: Answer): readonly ShownEvent[] {
  assert.ok(Array.isArray(json?.events));
  return json.events;
}

/** Asks for the events of the tenant's realm, or of another. */
export async function askForEvents(
  tenant: TestTenant,
  query: Readonly<Record<string, string>> = {},
  options: { readonly realm?: RealmKey; readonly accept?: string; readonly id?: string } = {},
): Promise<Answer> {
  const { realm = tenant.realm, accept = "application/json", id } = options;
  const path = `${realmPath(realm)}/events${id === undefined ? "" : `/${id}`}`;
  const headers = { authorization: `Bearer ${await tenant.managementToken()}`, accept };
  return call(`${tenant.server.url}${path}?${new URLSearchParams(query)}`, { headers });
}

/** All events of a list, page by page. */
export async function listAllEvents(
  tenant: TestTenant,
  query: Readonly<Record<string, string>> = {},
  realm: RealmKey = tenant.realm,
): Promise<ShownEvent[]> {
  const events: ShownEvent[] = [];
  for (let token: string | undefined = ""; token !== undefined; ) {
    const answer = await askForEvents(tenant, { ...query, ...(token === "" ? {} : { page_token: token }) }, { realm });
    assert.equal(answer.status, 200, answer.text);
    events.push(...eventsOf(answer));
    token = answer.json?.next_page_token as string | undefined;
  }
  return events;
}

/** Waits until what happens next has another time: events of one millisecond of several requests have no order. */
export async function nextMillisecond({ server }: TestTenant): Promise<void> {
  const { clock } = server.deps;
  for (const before = clock.nowMs(); clock.nowMs() === before; ) await new Promise(setImmediate);
}

/** Records a change as an operation does. */
export async function recordEvent(tenant: TestTenant, event: Partial<NewEvent> = {}): Promise<NewEvent> {
  const { clock, random, database } = tenant.server.deps;
  const made: NewEvent = {
    type: "V1GroupChange",
    action: "UPDATE",
    realmId: tenant.realm.realmId,
    actor: { type: "Operator", id: "file" },
    resource: { type: "Group", id: "0123456789abcdef" },
    facts: { changed: ["description"] },
    traceId: newTraceId(clock, random),
    atMs: clock.nowMs(),
    ...event,
  };
  await insertEvents(database.tenants([tenant.tenantId]), tenant.tenantId, [made]);
  return made;
}
