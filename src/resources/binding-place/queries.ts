import type { Queryable } from "../../database/database.ts";
import { statement } from "../../database/statement.ts";
import type { MailLook } from "../../http/mail-layout.ts";
import { type Language, languageOfPerson } from "../../protocol/language.ts";
import type { AuthenticatorConfigKey } from "../authenticator-config/queries.ts";
import type { AuthenticatorSettings } from "../authenticator-config/schema.ts";
import { type BindingJob, type BindingJobKey, toBindingJob } from "../credential-binding-job/queries.ts";
import type { Invited } from "../credential-binding-job/rules.ts";
import type { IdentityKey } from "../identity/queries.ts";
import type { Traits } from "../identity/schema.ts";
import { mailLookOf, THEME_DEFAULTS } from "../theme/rules.ts";
import type { ThemeSettings } from "../theme/schema.ts";
import { alive } from "../tombstone.ts";

// What is around a credential binding job: its person, tenant and realm, and what its link leads to.

/** Where somebody is invited to bind a credential. */
export interface BindingPlace {
  readonly tenantKind: "production" | "test";
  readonly clockOffsetSeconds: number;
  /** of its realm */
  readonly look: MailLook;
  readonly person: Invited & { readonly displayName: string; readonly language: Language };
}

const holdPlace = statement(
  "binding_place.hold",
  `SELECT t.kind, t.clock_offset_seconds, r.display_name AS realm_name, i.display_name, i.status, i.traits,
     (SELECT h.settings FROM themes h WHERE h.tenant_id = $1 AND h.realm_id = $2) AS theme
   FROM identities i
   JOIN realms r ON r.tenant_id = $1 AND r.realm_id = $2 AND ${alive("r")}
   JOIN tenants t ON t.tenant_id = $1 AND ${alive("t")}
   WHERE i.tenant_id = $1 AND i.realm_id = $2 AND i.identity_id = $3 AND ${alive("i")}
   FOR SHARE OF i`,
);

const holdConfig = statement(
  "binding_place.hold_config",
  `SELECT authenticator_config_id FROM authenticator_configs
   WHERE tenant_id = $1 AND realm_id = $2 AND authenticator_config_id = $3 AND ${alive()} FOR SHARE`,
);

// The tenant is found without the job: every page of a test tenant says so (rule 41).
const findOpened = statement(
  "binding_place.find_opened",
  `SELECT t.kind, t.clock_offset_seconds, i.status, COALESCE(j.authenticator_config, c.config) AS config,
     (SELECT h.settings FROM themes h WHERE h.tenant_id = $1 AND h.realm_id = $2) AS theme, j.*
   FROM tenants t
   LEFT JOIN credential_binding_jobs j ON j.tenant_id = $1 AND j.realm_id = $2 AND j.credential_binding_job_id = $3
     AND j.identity_id = $4 AND ${alive("j")}
     AND EXISTS (SELECT FROM realms r WHERE r.tenant_id = $1 AND r.realm_id = $2 AND ${alive("r")})
   LEFT JOIN identities i ON i.tenant_id = $1 AND i.realm_id = $2 AND i.identity_id = $4 AND ${alive("i")}
   LEFT JOIN authenticator_configs c ON c.tenant_id = $1 AND c.realm_id = $2
     AND c.authenticator_config_id = j.authenticator_config_id AND ${alive("c")}
   WHERE t.tenant_id = $1 AND ${alive("t")}`,
);

/** Reads what is around somebody who is invited, and keeps the person as it is until the transaction ends. */
export async function holdBindingPlace(db: Queryable, key: IdentityKey): Promise<BindingPlace | undefined> {
  const [row] = await db.run(holdPlace, [key.tenantId, key.realmId, key.identityId]);
  if (row === undefined) return undefined;
  const traits = row.traits as Traits;
  const theme: ThemeSettings = { ...THEME_DEFAULTS, ...(row.theme as Partial<ThemeSettings> | null) };
  return {
    tenantKind: row.kind as BindingPlace["tenantKind"],
    clockOffsetSeconds: row.clock_offset_seconds as number,
    look: mailLookOf(theme, String(row.realm_name)),
    person: {
      displayName: String(row.display_name),
      status: row.status as Invited["status"],
      address: traits.primary_email_address,
      language: languageOfPerson(traits),
    },
  };
}

/** Whether an authenticator config exists; it does until the transaction ends. */
export async function holdBindingConfig(db: Queryable, key: AuthenticatorConfigKey): Promise<boolean> {
  return (await db.run(holdConfig, [key.tenantId, key.realmId, key.authenticatorConfigId])).length > 0;
}

/** A link that somebody opens. */
export interface OpenedLink {
  readonly isTestTenant: boolean;
  /** the realm's own, or the built-in one */
  readonly theme: ThemeSettings;
  /** undefined when there is no such job */
  readonly job: BindingJob | undefined;
  /** what the link leads to; undefined when it was deleted */
  readonly config: AuthenticatorSettings | undefined;
  readonly isActive: boolean;
}

/** Reads the job that a link names, and what its link leads to. Undefined when there is no such tenant. */
export async function findOpenedLink(
  db: Queryable,
  key: BindingJobKey,
  identityId: string,
): Promise<OpenedLink | undefined> {
  const [row] = await db.run(findOpened, [key.tenantId, key.realmId, key.jobId, identityId]);
  if (row === undefined) return undefined;
  return {
    isTestTenant: row.kind === "test",
    theme: { ...THEME_DEFAULTS, ...(row.theme as Partial<ThemeSettings> | null) },
    job: row.credential_binding_job_id === null ? undefined : toBindingJob(row),
    config: (row.config as AuthenticatorSettings | null) ?? undefined,
    isActive: row.status === "active",
  };
}
