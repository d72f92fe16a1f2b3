import { Type } from "typebox";
import { isConflict, readQuotaReached } from "../database/database-error.ts";
import type { Deps } from "../deps.ts";
import { readBodyText } from "../http/json-body.ts";
import { fieldViolations, ManagementError, notFound, quotaReached } from "../http/management-error.ts";
import { type HttpRequest, headerOf } from "../http/route.ts";
import { EXPORT_SCOPES, MANAGEMENT_SCOPES } from "../protocol/management-scopes.ts";
import { eventSourceOf } from "../resources/event-source.ts";
import { acts } from "../resources/operations.ts";
import { oneOf } from "../resources/schema-parts.ts";
import { ExportTooLarge, exportTenant } from "./export.ts";
import { DeclarativeError, formatPath } from "./file.ts";
import { DeclaredTenant } from "./file-schema.ts";
import type { Change } from "./planning.ts";
import { reconcileTenant } from "./reconcile.ts";

const Switch = Type.Optional(oneOf(["true", "false"]));
const ApplyQuery = Type.Object({ dry_run: Switch }, { additionalProperties: false });
const ExportQuery = Type.Object({ people: Switch }, { additionalProperties: false });

const ChangeAnswer = Type.Object(
  {
    action: oneOf(["create", "update", "delete"]),
    /** kind, name and id of the object */
    what: Type.String(),
    details: Type.Array(Type.String()),
  },
  { additionalProperties: false },
);
const ApplyAnswer = Type.Object(
  { dry_run: Type.Boolean(), changes: Type.Array(ChangeAnswer) },
  { additionalProperties: false },
);
const TAG = "Declarative files";

/** A tenant as its part of a declarative file: made so by one request, and told by one (settled 14). */
export const DECLARATIVE_OPERATIONS = [
  acts(
    {
      name: "ApplyTenant",
      method: "POST",
      path: "/v1/tenants/{tenant}:apply",
      tag: TAG,
      summary: "Makes the tenant what its part of a declarative file says, or tells what that would change.",
      // Rule 1: a file may say anything of anybody, so whoever sends one must hold everything, in every realm.
      scopes: MANAGEMENT_SCOPES,
      query: ApplyQuery,
      text: { mediaTypes: ["application/json", "application/yaml"], schema: DeclaredTenant },
      answer: ApplyAnswer,
      refusals: ["conflict"],
    },
    async ({ deps, request, query, caller: { tenantId } }) => {
      const isDryRun = query.dry_run === "true";
      const source = eventSourceOf(deps.clock, request);
      const changes = await apply(deps, { tenantId, text: readText(request), isDryRun, source });
      if (!isDryRun) {
        deps.log.info({ tenant: tenantId, changes: changes.length }, "a declarative request changed the tenant");
      }
      return {
        value: { dry_run: isDryRun, changes: changes.map((change) => ({ ...change, details: [...change.details] })) },
      };
    },
  ),
  acts(
    {
      name: "ExportTenant",
      method: "GET",
      path: "/v1/tenants/{tenant}:export",
      tag: TAG,
      summary: "Tells the tenant as its part of a declarative file: to apply it changes nothing.",
      scopes: EXPORT_SCOPES,
      query: ExportQuery,
      answer: DeclaredTenant,
      refusals: ["conflict"],
    },
    async ({ deps, query, caller: { tenantId } }) => ({
      value: await readExport(deps, tenantId, query.people !== "false"),
    }),
  ),
] as const;

async function apply(deps: Deps, sent: Parameters<typeof reconcileTenant>[1]): Promise<readonly Change[]> {
  try {
    return await reconcileTenant(deps, sent);
  } catch (error) {
    if (!(error instanceof DeclarativeError)) throw error;
    const quota = readQuotaReached(error.cause);
    if (quota !== undefined) throw quotaReached(quota, error);
    const violations = error.problems.map(({ path, rule }) => ({
      field: formatPath(path.slice(2)) || "tenant",
      description: rule,
    }));
    if (!isConflict(error.cause)) throw fieldViolations(violations);
    const details = [{ type: "FieldViolations", field_violations: violations }] as const;
    throw new ManagementError("conflict", "an id or a name is taken", { details, cause: error });
  }
}

function readText(request: HttpRequest): string {
  const contentEncoding = headerOf(request, "content-encoding");
  return readBodyText({ contentType: headerOf(request, "content-type"), contentEncoding }, request.bytes);
}

async function readExport(deps: Deps, tenantId: string, withPeople: boolean): Promise<DeclaredTenant> {
  try {
    const exported = await deps.database.transaction([tenantId], (db) => exportTenant(db, tenantId, { withPeople }), {
      isSnapshot: true,
    });
    if (exported === undefined) throw notFound("Tenant", tenantId);
    return exported;
  } catch (error) {
    if (!(error instanceof ExportTooLarge)) throw error;
    const advice = withPeople ? "; leave the people out with people=false" : "";
    throw new ManagementError("conflict", `${error.message}${advice}`, { cause: error });
  }
}
