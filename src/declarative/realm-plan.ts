import type { RealmKey } from "../protocol/client-metadata.ts";
import type { ResourceServerSettings } from "../resources/resource-server/schema.ts";
import type { TenantSettings } from "../resources/tenant/schema.ts";
import type { Path } from "./file.ts";
import type { DeclaredRealm } from "./file-schema.ts";
import type { Directory } from "./matching.ts";
import type { Planning } from "./planning.ts";
import type { RealmMatches } from "./realm-matches.ts";
import type { RealmState } from "./realm-state.ts";

/** What a tenant's plan tells the plans of its realms. */
export interface TenantSurroundings {
  readonly settings: TenantSettings;
  readonly realms: Directory;
  /** of every realm, stored or declared: what audiences must not be, and what client ids must not be (rule 34) */
  readonly clientIds: ReadonlySet<string>;
  readonly identifiers: ReadonlySet<string>;
}

/** A realm's plan while it is made. */
export interface RealmPlan {
  readonly planning: Planning;
  readonly tenant: TenantSurroundings;
  readonly key: RealmKey;
  readonly path: Path;
  readonly declared: DeclaredRealm;
  readonly isAdmin: boolean;
  readonly state: RealmState;
  readonly matches: RealmMatches;
}

/** A resource server as it will be. */
export interface PlannedServer {
  readonly settings: ResourceServerSettings;
  readonly isManaged: boolean;
}
