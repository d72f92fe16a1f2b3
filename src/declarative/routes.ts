import { Type } from "typebox";
import { isConflict, readQuotaReached } from "../database/database-error.ts";
import type { Deps } from "../deps.ts";
import { fieldViolations, ManagementError, notFound, quotaReached } from "../http/management-error.ts";
import { parseQueryOf } from "../http/query.ts";
import { type HttpReply, type HttpRequest, jsonReply, type Route } from "../http/route.ts";
import { MANAGEMENT_SCOPES } from "../protocol/management-scopes.ts";
import { eventSourceOf } from "../resources/event-source.ts";
import { oneOf } from "../resources/schema-parts.ts";
import { ExportTooLarge, exportTenant } from "./export.ts";
import { DeclarativeError, formatPath } from "./file.ts";
import type { Change } from "./planning.ts";
import { reconcileTenant } from "./reconcile.ts";

const Switch = Type.Optional(oneOf(["true", "false"]));
const ApplyQuery = Type.Object({ dry_run: Switch }, { additionalProperties: false });
const ExportQuery = Type.Object({ people: Switch }, { additionalProperties: false });

const READ_SCOPES = MANAGEMENT_SCOPES.filter((scope) =>
  /^(tenants|realms|identities|groups|applications|authenticator-configs|resource-servers|roles):read$/.test(scope),
);

/** A tenant as its part of a declarative file: made so by one request, and told by one (settled 14). */
export function declarativeRoutes(deps: Deps): readonly Route[] {
  return [
    {
      name: "ApplyTenant",
      method: "POST",
      path: "/v1/tenants/:tenant([^:]+)::apply",
      kind: "management",
      // Rule 1: a file may say anything of anybody, so whoever sends one must hold everything, in every realm.
      scopes: MANAGEMENT_SCOPES,
      schema: { querystring: ApplyQuery },
      handle: (request) => handleApply(deps, request),
    },
    {
      name: "ExportTenant",
      method: "GET",
      path: "/v1/tenants/:tenant([^:]+)::export",
      kind: "management",
      scopes: READ_SCOPES,
      schema: { querystring: ExportQuery },
      handle: (request) => handleExport(deps, request),
    },
  ];
}

async function handleApply(deps: Deps, request: HttpRequest): Promise<HttpReply> {
  const { tenant = "" } = request.parameters;
  const isDryRun = parseQueryOf(request, ApplyQuery).dry_run === "true";
  const source = eventSourceOf(deps.clock, request);
  const changes = await apply(deps, { tenantId: tenant, text: readText(request), isDryRun, source });
  if (!isDryRun) {
    for (const change of changes) deps.log.info({ tenant, change }, "a declarative request changed this");
  }
  return jsonReply(200, { dry_run: isDryRun, changes });
}

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

function readText({ bytes }: HttpRequest): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ManagementError("bad_request", "the body is not valid UTF-8", { cause });
  }
}

async function handleExport(deps: Deps, request: HttpRequest): Promise<HttpReply> {
  const { tenant = "" } = request.parameters;
  const withPeople = parseQueryOf(request, ExportQuery).people !== "false";
  const read = () =>
    deps.database.transaction([tenant], (db) => exportTenant(db, tenant, { withPeople }), { isSnapshot: true });
  try {
    const exported = await read();
    if (exported === undefined) throw notFound("Tenant", tenant);
    return jsonReply(200, exported);
  } catch (error) {
    if (!(error instanceof ExportTooLarge)) throw error;
    const advice = withPeople ? "; leave the people out with people=false" : "";
    throw new ManagementError("conflict", `${error.message}${advice}`, { cause: error });
  }
}
