import { join } from "node:path";
import type { Deps } from "../deps.ts";
import { hexId, uuid } from "../platform/random.ts";
import type { ApplicationKey } from "../protocol/client-metadata.ts";
import { findApplication } from "../resources/application/queries.ts";
import { openClientSecret } from "../resources/credentials.ts";
import { deleteLease, findLeaseMark, insertLeaseMark } from "../resources/lease/queries.ts";
import { hasTenants } from "../resources/tenant/queries.ts";
import { withLease } from "./lease.ts";
import { openDataDirectory, writePrivateFile } from "./private-file.ts";
import { describeAccess, insertTenantWithAdmin } from "./tenant-with-admin.ts";

/** What the first start left behind. */
export interface BootstrapResult {
  /** whether this start made the first tenant, or finished one that died before its file was written */
  readonly isFirstStart: boolean;
  /** `{data dir}/bootstrap.json`: it holds the credentials on the first start */
  readonly file: string;
}

// Written with the tenant, gone with the file: what is between is finished by the next start.
const FILE_MARK = "bootstrap-file";

/**
 * On the very first start of a database: a tenant, its admin realm, the built-in resource server and its role, the Management
 * API application, and the file with its credentials (specification section 8). Does nothing where a tenant exists.
 */
export async function bootstrap(deps: Deps): Promise<BootstrapResult> {
  const file = join(deps.config.dataDirectory, "bootstrap.json");
  await openDataDirectory(deps.config);
  const isFirstStart = await withLease(deps, "bootstrap", async (lease) => {
    const unfinished = await findLeaseMark(deps.database.tenants([]), FILE_MARK);
    if (unfinished !== undefined) {
      await writeCredentials(deps, parseMark(unfinished), file);
      return true;
    }
    if (await hasTenants(deps.database)) return false;
    const key = { tenantId: hexId(deps.random), realmId: hexId(deps.random), applicationId: uuid(deps.random) };
    await deps.database.transaction([key.tenantId], async (session) => {
      await lease.keep(session);
      await insertTenantWithAdmin(deps, session, { key, displayName: "Mayfly", kind: "production" });
      await insertLeaseMark(session, FILE_MARK, formatMark(key));
    });
    await writeCredentials(deps, key, file);
    return true;
  });
  return { isFirstStart, file };
}

async function writeCredentials(deps: Deps, key: ApplicationKey, file: string): Promise<void> {
  const { publicUrl } = deps.config;
  const application = await findApplication(deps.database.tenants([key.tenantId]), key);
  const sealed = application?.secret?.sealed;
  if (application === undefined || sealed === undefined)
    throw new Error("the Management API application has no secret");
  const clientSecret = openClientSecret(deps, key, sealed);
  const content = describeAccess(publicUrl, { key, clientId: application.clientId, clientSecret });
  await writePrivateFile(file, `${JSON.stringify(content, null, 2)}\n`);
  await deleteLease(deps.database.tenants([]), FILE_MARK, formatMark(key));
}

function formatMark(key: ApplicationKey): string {
  return `${key.tenantId}/${key.realmId}/${key.applicationId}`;
}

function parseMark(mark: string): ApplicationKey {
  const [tenantId = "", realmId = "", applicationId = ""] = mark.split("/");
  return { tenantId, realmId, applicationId };
}
