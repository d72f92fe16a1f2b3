import { notFound } from "../../http/management-error.ts";
import { wrapped } from "../../http/operation.ts";
import { timesOf } from "../answer-parts.ts";
import { demandValid } from "../checked.ts";
import { demandVersion } from "../etag.ts";
import { listChanged } from "../event-draft.ts";
import { reads, writes } from "../operations.ts";
import { findTenant, holdTenant, type Tenant, updateTenantSettings } from "./queries.ts";
import { updateTenant } from "./rules.ts";
import { TenantAnswer, TenantBody } from "./schema.ts";

const TENANT = "/v1/tenants/{tenant}";
const BODY = wrapped("tenant", TenantBody, ["id", "kind", "create_time", "update_time"]);
const TAG = "Tenants";

/** What a tenant's administrators see and change of it (reference 2.2). */
export const TENANT_SETTINGS_OPERATIONS = [
  reads(
    {
      name: "GetTenant",
      method: "GET",
      path: TENANT,
      tag: TAG,
      summary: "Shows the tenant.",
      scopes: ["tenants:read"],
      answer: TenantAnswer,
      isVersioned: true,
    },
    async ({ db, caller: { tenantId } }) => {
      const tenant = await findTenant(db, tenantId);
      if (tenant === undefined) throw notFound("Tenant", tenantId);
      return { value: answerOf(tenant), version: tenant.version };
    },
  ),
  writes(
    {
      name: "UpdateTenant",
      method: "PATCH",
      path: TENANT,
      tag: TAG,
      summary: "Changes the tenant.",
      scopes: ["tenants:update"],
      body: BODY,
      answer: TenantAnswer,
      isVersioned: true,
      event: { type: "V1TenantChange", action: "UPDATE", resource: "Tenant", ofTenant: true },
    },
    async ({ db, body, request, nowMs, caller: { tenantId } }) => {
      const tenant = await holdTenant(db, tenantId);
      if (tenant === undefined) throw notFound("Tenant", tenantId);
      demandVersion(request, tenant.version);
      const settings = demandValid(updateTenant(tenant.settings, body.tenant, tenant.quotas));
      await updateTenantSettings(db, tenantId, settings, nowMs);
      const about = { id: tenantId, facts: { changed: listChanged(tenant.settings, settings) } };
      return { value: answerOf({ ...tenant, settings, updatedAtMs: nowMs }), version: tenant.version + 1, about };
    },
  ),
] as const;

function answerOf({ tenantId, settings, kind, ...row }: Tenant): TenantAnswer {
  return { id: tenantId, ...settings, kind, ...timesOf(row) };
}
