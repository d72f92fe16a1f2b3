import type { Queryable } from "../database/database.ts";
import { insertEvents, type NewEvent } from "../resources/event/queries.ts";
import type { EventAction, EventType } from "../resources/event/schema.ts";
import type { EventSource } from "../resources/event-source.ts";
import type { Step } from "./planning.ts";

const KINDS = {
  tenant: { type: "V1TenantChange", resource: "Tenant" },
  realm: { type: "V1RealmChange", resource: "Realm" },
  resource_server: { type: "ResourceServerOperation", resource: "ResourceServer" },
  role: { type: "RoleOperation", resource: "Role" },
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
  for (let from = 0; from < steps.length; from += EVENTS_AT_ONCE) {
    const events = steps.slice(from, from + EVENTS_AT_ONCE).map((step) => toEvent(step, source));
    await insertEvents(db, tenantId, events);
  }
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
