// The declarative file (settled 14): the API's own settings, nested as they belong together, with ids, members and secrets.
// References may be ids or natural keys, so they are plain text here; the plan resolves them.

import { type Static, type TObject, Type } from "typebox";
import { ApplicationSettings, ProtocolConfig } from "../resources/application/schema.ts";
import { AuthenticatorConfigSettings } from "../resources/authenticator-config/schema.ts";
import { GroupSettings } from "../resources/group/schema.ts";
import { IdentitySettings } from "../resources/identity/schema.ts";
import { RealmSettings } from "../resources/realm/schema.ts";
import { ResourceServerSettings } from "../resources/resource-server/schema.ts";
import { RoleSettings } from "../resources/role/schema.ts";
import { HexId, Uuid } from "../resources/schema-parts.ts";
import { bodyWith } from "../resources/settings.ts";
import { TenantSettings } from "../resources/tenant/schema.ts";

/** Most bytes of a declarative file. */
export const FILE_BYTES_MAX = 8 * 1024 * 1024;
const OBJECTS_MAX = 100_000;

const Reference = Type.String({ minLength: 1 });
const References = Type.Array(Reference, { maxItems: OBJECTS_MAX });

/** Where a secret is to be found: the environment, a file, or, for tests, the text itself. */
export type SecretSource = string | { readonly env?: string; readonly file?: string };
const Secret = Type.Unsafe<SecretSource>({
  type: ["string", "object"],
  properties: { env: { type: "string", minLength: 1 }, file: { type: "string", minLength: 1 } },
  minProperties: 1,
  maxProperties: 1,
  additionalProperties: false,
});

function listOf<T extends Parameters<typeof Type.Array>[0]>(schema: T) {
  return Type.Optional(Type.Array(schema, { maxItems: OBJECTS_MAX }));
}

// Replaces the schema of members that refer to other objects.
function withReferences<S extends TObject, R extends TObject>(
  schema: S,
  references: R,
): TObject<S["properties"] & R["properties"]> {
  return Type.Object({ ...schema.properties, ...references.properties });
}

const DeclaredRole = bodyWith(
  RoleSettings,
  Type.Object({
    id: Type.Optional(HexId),
    groups: Type.Optional(References),
    identities: Type.Optional(References),
  }),
);
export type DeclaredRole = Static<typeof DeclaredRole>;

const DeclaredResourceServer = bodyWith(
  withReferences(ResourceServerSettings, Type.Object({ introspectors: References })),
  Type.Object({ id: Type.Optional(Uuid), roles: listOf(DeclaredRole) }),
);
export type DeclaredResourceServer = Static<typeof DeclaredResourceServer>;

const DeclaredAuthenticatorConfig = bodyWith(AuthenticatorConfigSettings, Type.Object({ id: Type.Optional(Uuid) }));
export type DeclaredAuthenticatorConfig = Static<typeof DeclaredAuthenticatorConfig>;

const DeclaredGroup = bodyWith(
  GroupSettings,
  Type.Object({ id: Type.Optional(HexId), members: Type.Optional(References) }),
);
export type DeclaredGroup = Static<typeof DeclaredGroup>;

const DeclaredIdentity = bodyWith(IdentitySettings, Type.Object({ id: Type.Optional(HexId) }));
export type DeclaredIdentity = Static<typeof DeclaredIdentity>;

const DeclaredProtocolConfig = bodyWith(
  ProtocolConfig,
  Type.Object({ client_id: Type.Optional(Type.String()), client_secret: Type.Optional(Secret) }),
);

const DeclaredApplication = bodyWith(
  withReferences(
    ApplicationSettings,
    Type.Object({
      resource_server_id: Type.Optional(Reference),
      authenticator_config_id: Type.Optional(Reference),
      target_realm: Reference,
      may_be_exchanged_by: References,
    }),
  ),
  Type.Object({ id: Uuid, protocol_config: Type.Optional(DeclaredProtocolConfig) }),
);
export type DeclaredApplication = Static<typeof DeclaredApplication>;

const DeclaredRealm = bodyWith(
  RealmSettings,
  Type.Object({
    id: HexId,
    is_admin: Type.Optional(Type.Boolean()),
    resource_servers: listOf(DeclaredResourceServer),
    authenticator_configs: listOf(DeclaredAuthenticatorConfig),
    groups: listOf(DeclaredGroup),
    identities: listOf(DeclaredIdentity),
    applications: listOf(DeclaredApplication),
  }),
);
export type DeclaredRealm = Static<typeof DeclaredRealm>;

/** A tenant's part of the file. */
export const DeclaredTenant = bodyWith(
  TenantSettings,
  Type.Object({
    id: HexId,
    test: Type.Optional(Type.Boolean()),
    prune: Type.Optional(Type.Boolean()),
    realms: listOf(DeclaredRealm),
  }),
);
export type DeclaredTenant = Static<typeof DeclaredTenant>;

/** The whole file. */
export const DeclaredFile = Type.Object(
  {
    version: Type.Unsafe<1>({ type: "integer", enum: [1] }),
    tenants: Type.Array(DeclaredTenant, { maxItems: OBJECTS_MAX }),
  },
  { additionalProperties: false },
);
export type DeclaredFile = Static<typeof DeclaredFile>;
