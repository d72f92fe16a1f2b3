import type { FieldViolation } from "../../http/management-error.ts";
import { MANAGEMENT_IDENTIFIER } from "../../protocol/management-scopes.ts";
import { refuseOthers, refuseRepeats } from "../list-rules.ts";
import { type Checked, createBodyReader, refine } from "../settings.ts";
import { type ResourceServerBody, ResourceServerSettings } from "./schema.ts";

const read = createBodyReader("resource_server", ResourceServerSettings);
const IDENTIFIER = "resource_server.identifier";

/** What a resource server is when nobody says otherwise. */
export const RESOURCE_SERVER_DEFAULTS = {
  scopes: [],
  token_policy: {},
  scope_policies: [],
  introspectors: [],
} as const satisfies ResourceServerBody;

/** What the realm and tenant around a resource server say of its identifier. */
export interface IdentifierSurroundings {
  /** whether it is a `client_id` of the tenant (rule 34) */
  readonly isClientId: boolean;
  /** the configured public URL: every issuer begins with it */
  readonly publicUrl: string;
}

/** The settings of a new resource server, or what is wrong with them. */
export function createResourceServer(
  body: ResourceServerBody,
  surroundings: IdentifierSurroundings,
): Checked<ResourceServerSettings> {
  const created = read.create(RESOURCE_SERVER_DEFAULTS, body);
  return refine(created, (settings) => [...checkIdentifier(settings, surroundings), ...checkScopes(settings)]);
}

/** The settings of a resource server after a change, or what is wrong with them. Its identifier never changes. */
export function updateResourceServer(
  current: ResourceServerSettings,
  body: ResourceServerBody,
): Checked<ResourceServerSettings> {
  const kept = { ...body, identifier: current.identifier };
  return refine(read.update(current, kept, RESOURCE_SERVER_DEFAULTS), checkScopes);
}

function checkIdentifier(settings: ResourceServerSettings, around: IdentifierSurroundings): FieldViolation[] {
  const { identifier } = settings;
  if (identifier === MANAGEMENT_IDENTIFIER) return [{ field: IDENTIFIER, description: "is reserved" }];
  // Rule 34: an access token for this audience must not pass for an ID token of ours.
  if (around.isClientId) return [{ field: IDENTIFIER, description: "is the client_id of an application" }];
  if (identifier.startsWith(`${around.publicUrl}/v1/tenants/`)) {
    return [{ field: IDENTIFIER, description: "has the form of an issuer of this server" }];
  }
  return [];
}

function checkScopes({ scopes, scope_policies, introspectors }: ResourceServerSettings): FieldViolation[] {
  const known = new Set(scopes);
  const limited = scope_policies.map((policy) => policy.scope);
  const isScope = { has: (scope: string) => known.has(scope), reason: "is not a scope of this resource server" };
  return [
    ...refuseRepeats("resource_server.scopes", scopes),
    ...refuseRepeats("resource_server.scope_policies", limited),
    ...refuseOthers("resource_server.scope_policies", limited, isScope),
    ...refuseRepeats("resource_server.introspectors", introspectors),
  ];
}
