import type { Queryable } from "../database/database.ts";
import { slicesOf } from "../platform/slices.ts";
import { FACTS_MAX } from "../protocol/decision-facts.ts";
import { insertEvents, type NewEvent } from "../resources/event/queries.ts";
import type { EventAction, EventType } from "../resources/event/schema.ts";
import type { EventSource } from "../resources/event-source.ts";
import type { About, Step, Told } from "./planning.ts";

const KINDS = {
  tenant: { type: "V1TenantChange", resource: "Tenant" },
  realm: { type: "V1RealmChange", resource: "Realm" },
  resource_server: { type: "ResourceServerOperation", resource: "ResourceServer" },
  role: { type: "RoleOperation", resource: "Role" },
  role_scopes: { type: "RoleScopesOperation", resource: "Role" },
  role_members: { type: "RoleMembershipOperation", resource: "Role" },
  authenticator_config: { type: "AuthenticatorConfigOperation", resource: "AuthenticatorConfig" },
  group: { type: "V1GroupChange", resource: "Group" },
  group_members: { type: "V1GroupMembershipChange", resource: "Group" },
  identity: { type: "IdentityChange", resource: "Identity" },
  application: { type: "ApplicationOperation", resource: "Application" },
} as const satisfies Readonly<Record<string, { readonly type: EventType; readonly resource: string }>>;

/** What a declarative file changes. */
export type ChangedKind = keyof typeof KINDS;

const ACTIONS: Readonly<Record<Step["change"]["action"], EventAction>> = {
  create: "CREATE",
  update: "UPDATE",
  delete: "DELETE",
};
const EVENTS_AT_ONCE = 1_000;

/** Stores the events of a tenant's changes, in the transaction that makes them: neither is without the other. */
export async function recordChanges(
  db: Queryable,
  tenantId: string,
  steps: readonly Step[],
  source: EventSource,
): Promise<void> {
  const events = steps.flatMap((step) => toEvents(step, source));
  for (const some of slicesOf(events, EVENTS_AT_ONCE)) await insertEvents(db, tenantId, some);
}

function toEvents(step: Step, source: EventSource): NewEvent[] {
  const { about, told, also = [] } = step;
  const own = told === undefined ? [toEvent(step, source)] : [];
  return [...own, ...[...(told ?? []), ...also].flatMap((one) => toListEvents(about, one, source))];
}

// An event keeps so many of a list: more take more events.
function toListEvents({ id, realmId }: About, { kind, action, lists }: Told, source: EventSource): NewEvent[] {
  const { type, resource } = KINDS[kind];
  return Object.entries(lists).flatMap(([name, values]) => {
    const of = { realmId, resource: { type: resource, id } };
    return slicesOf(values, FACTS_MAX).map((part) => ({
      ...{ ...source, ...of, type, action: ACTIONS[action] },
      facts: { by: "declarative file", [name]: part },
    }));
  });
}

function toEvent({ about, change }: Step, source: EventSource): NewEvent {
  const { type, resource } = KINDS[about.kind];
  // The making and ending of a realm concerns the tenant, which keeps it when the realm is gone.
  const isOfTenant = about.kind === "tenant" || (about.kind === "realm" && change.action !== "update");
  return {
    ...source,
    type,
    action: ACTIONS[change.action],
    realmId: isOfTenant ? "" : about.realmId,
    resource: { type: resource, id: about.id },
    facts: { by: "declarative file", ...(change.details.length === 0 ? {} : { changed: change.details.map(nameIn) }) },
  };
}

// `protocol_config.pkce: "disabled" -> "s256"`, `client_secret changed`: what it is, and never the values.
function nameIn(detail: string): string {
  return detail.replace(/(?:: [\s\S]*| changed)$/, "");
}
