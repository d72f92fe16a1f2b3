import { Type } from "typebox";
import type { Queryable } from "../database/database.ts";
import { isConflict } from "../database/database-error.ts";
import type { Deps } from "../deps.ts";
import { DIRECTORY_PAGE_SIZES, type ListQueryMembers, parseListQuery, readListPage } from "../http/list-query.ts";
import { ManagementError, notFound } from "../http/management-error.ts";
import { type BodyOf, type Operation, patternOf, type QueryOf, wrapped } from "../http/operation.ts";
import type { HttpReply, HttpRequest, Route } from "../http/route.ts";
import { sha256 } from "../platform/hash.ts";
import { hexId, uuid } from "../platform/random.ts";
import type { ApplicationKey } from "../protocol/client-metadata.ts";
import { HEX_ID } from "../protocol/id-grammar.ts";
import { answerOnce, readIdempotencyKey } from "../resources/answer-once.ts";
import { pageOf, timesOf } from "../resources/answer-parts.ts";
import { findApplication } from "../resources/application/queries.ts";
import { demandValid } from "../resources/checked.ts";
import { openClientSecret } from "../resources/credentials.ts";
import { demandVersion } from "../resources/etag.ts";
import { insertEvents } from "../resources/event/queries.ts";
import type { EventAction } from "../resources/event/schema.ts";
import { listChanged } from "../resources/event-draft.ts";
import { transactionWithEvents } from "../resources/event-transaction.ts";
import { createParser, replyOf, type Sent } from "../resources/operations.ts";
import {
  countTenants,
  deleteTenant,
  findTenant,
  holdTenant,
  listTenants,
  type Tenant,
  updateTenantQuotas,
} from "../resources/tenant/queries.ts";
import { createQuotas, settingsUnder, updateQuotas } from "../resources/tenant/rules.ts";
import {
  NewTenantBody,
  OperatedTenantAnswer,
  TenantAccessAnswer,
  TenantQuotas,
  TenantQuotasBody,
} from "../resources/tenant/schema.ts";
import { describeAccess, insertTenantWithAdmin } from "./tenant-with-admin.ts";

const TENANTS = "/v1/tenants";
const TENANT = `${TENANTS}/{tenant}` as const;
const Text = Type.Optional(Type.String());
const described = { tag: "Operator", scopes: [] } as const;

const CREATE = {
  ...described,
  name: "CreateTenant",
  method: "POST",
  path: TENANTS,
  summary:
    "Makes a tenant with its admin realm and the application that manages it, whose secret no later request shows.",
  body: wrapped("tenant", NewTenantBody, ["id", "create_time", "update_time"]),
  answer: TenantAccessAnswer,
  refusals: ["conflict"],
  isCreate: true,
} as const satisfies Operation;

const LIST = {
  ...described,
  name: "ListTenants",
  method: "GET",
  path: TENANTS,
  summary: "Lists all tenants.",
  query: Type.Unsafe<ListQueryMembers>(
    Type.Object({ page_size: Text, page_token: Text }, { additionalProperties: false }),
  ),
  answer: pageOf("tenants", OperatedTenantAnswer),
} as const satisfies Operation;

const DELETE = {
  ...described,
  name: "DeleteTenant",
  method: "DELETE",
  path: TENANT,
  summary: "Deletes a tenant with all that is in it, dead at once.",
  isVersioned: true,
} as const satisfies Operation;

const GET_QUOTAS = {
  ...described,
  name: "GetTenantQuotas",
  method: "GET",
  path: `${TENANT}/quotas`,
  summary: "Shows how much a tenant may have and ask; what is left out is the product's default.",
  answer: TenantQuotas,
  isVersioned: true,
} as const satisfies Operation;

const UPDATE_QUOTAS = {
  ...described,
  name: "UpdateTenantQuotas",
  method: "PATCH",
  path: `${TENANT}/quotas`,
  summary: "Changes how much a tenant may have and ask; null gives the product's default back.",
  body: wrapped("quotas", TenantQuotasBody, []),
  answer: TenantQuotas,
  isVersioned: true,
} as const satisfies Operation;

/** Tenants as a service: whoever holds the operator's credential makes, lists, bounds and deletes them (rule 27). */
export function operatorRoutes(deps: Deps): readonly Route[] {
  return [
    operated(CREATE, (request, { body: { tenant } }) => create(deps, request, tenant)),
    operated(LIST, (_request, { query }) => list(deps, query)),
    operated(DELETE, (request) => remove(deps, request)),
    operated(GET_QUOTAS, async (request) => {
      const tenantId = tenantOf(request);
      const tenant = await findTenant(deps.database.tenants([tenantId]), tenantId);
      if (tenant === undefined) throw notFound("Tenant", tenantId);
      return replyOf(GET_QUOTAS, { value: tenant.quotas, version: tenant.version });
    }),
    operated(UPDATE_QUOTAS, (request, { body }) => changeQuotas(deps, request, body.quotas)),
  ];
}

function operated<O extends Operation>(
  operation: O,
  answer: (request: HttpRequest, sent: Sent<QueryOf<O>, BodyOf<O>>) => Promise<HttpReply>,
): Route {
  const parse = createParser(operation);
  const { name, method, path } = operation;
  const handle = (request: HttpRequest): Promise<HttpReply> => answer(request, parse(request));
  return { name, method, path: patternOf(path), kind: "operator", operation, handle };
}

async function create(deps: Deps, request: HttpRequest, body: NewTenantBody): Promise<HttpReply> {
  const quotas = demandValid(createQuotas(body.quotas ?? {}));
  const tenantId = newTenantId(deps, request);
  const nowMs = deps.clock.nowMs();
  const { display_name: displayName, kind = "production" } = body;
  const parts = { request, tenantId, owner: ["operator", CREATE.name], nowMs };
  try {
    return await transactionWithEvents(deps, tenantId, (db) =>
      answerOnce(
        { ...parts, db },
        {
          work: async () => {
            const realmId = hexId(deps.random);
            const key = { tenantId, realmId, applicationId: uuid(deps.random) };
            await insertTenantWithAdmin(deps, db, { key, displayName, kind, quotas });
            await record(db, request, { tenantId, nowMs, action: "CREATE" });
            return { reply: await showAccess(deps, db, key), resourceId: `${realmId}/${key.applicationId}` };
          },
          again: (resourceId) => {
            const [realmId = "", applicationId = ""] = resourceId.split("/");
            return showAccess(deps, db, { tenantId, realmId, applicationId });
          },
        },
      ),
    );
  } catch (error) {
    if (!isConflict(error, "tenants_pkey")) throw error;
    throw new ManagementError("conflict", "this Idempotency-Key has made a tenant before", { cause: error });
  }
}

// The secret is the operator's to see as long as the application is as it was made: from its first change on it is the tenant's own.
async function showAccess(deps: Deps, db: Queryable, key: ApplicationKey): Promise<HttpReply> {
  const [tenant, application] = await Promise.all([findTenant(db, key.tenantId), findApplication(db, key)]);
  if (tenant === undefined) throw notFound("Tenant", key.tenantId);
  if (application === undefined) throw notFound("Application", key.applicationId);
  const { clientId, secret, version } = application;
  const isShown = version === 1 && !tenant.settings.settings.show_secrets_once;
  const text = isShown && secret?.sealed !== undefined ? openClientSecret(deps, key, secret.sealed) : undefined;
  const value = {
    ...answerOf(tenant),
    ...describeAccess(deps.config.publicUrl, { key, clientId, clientSecret: text }),
  };
  return replyOf(CREATE, { value });
}

// The key says which tenant is made: so the answer can be kept with that tenant, and however late the key comes again, it makes no other.
function newTenantId(deps: Deps, request: HttpRequest): string {
  const key = readIdempotencyKey(request);
  return key === undefined ? hexId(deps.random) : sha256(`tenant of the operator's key ${key}`).toString("hex", 0, 8);
}

async function list({ database, clock }: Deps, query: ListQueryMembers): Promise<HttpReply> {
  const rules = { list: ["tenants"], sizes: DIRECTORY_PAGE_SIZES };
  const { items, ends } = await readListPage(parseListQuery(query, rules, clock.nowSeconds()), {
    page: (page) => database.maintain((session) => listTenants(session, page)),
    count: () => database.maintain(countTenants),
    idOf: ({ tenantId }: Tenant) => tenantId,
  });
  return replyOf(LIST, { value: { tenants: items.map(answerOf), ...ends } });
}

function remove(deps: Deps, request: HttpRequest): Promise<HttpReply> {
  return change(deps, request, async (db, tenant, nowMs) => {
    await deleteTenant(db, tenant.tenantId, nowMs);
    await record(db, request, { tenantId: tenant.tenantId, nowMs, action: "DELETE" });
    return replyOf(DELETE, { value: undefined });
  });
}

function changeQuotas(deps: Deps, request: HttpRequest, body: TenantQuotasBody): Promise<HttpReply> {
  return change(deps, request, async (db, tenant, nowMs) => {
    const { tenantId } = tenant;
    const quotas = demandValid(updateQuotas(tenant.quotas, body));
    const settings = settingsUnder(tenant.settings, { before: tenant.quotas, after: quotas });
    await updateTenantQuotas(db, tenantId, { quotas, settings }, nowMs);
    const facts = { changed: listChanged(tenant.quotas, quotas).map((name) => `quotas.${name}`) };
    await record(db, request, { tenantId, nowMs, action: "UPDATE", facts });
    return replyOf(UPDATE_QUOTAS, { value: quotas, version: tenant.version + 1 });
  });
}

function change(
  deps: Deps,
  request: HttpRequest,
  work: (db: Queryable, tenant: Tenant, nowMs: number) => Promise<HttpReply>,
): Promise<HttpReply> {
  const tenantId = tenantOf(request);
  return transactionWithEvents(deps, tenantId, async (db) => {
    const tenant = await holdTenant(db, tenantId);
    if (tenant === undefined) throw notFound("Tenant", tenantId);
    demandVersion(request, tenant.version);
    return work(db, tenant, deps.clock.nowMs());
  });
}

interface Change {
  readonly tenantId: string;
  readonly nowMs: number;
  readonly action: EventAction;
  readonly facts?: Readonly<Record<string, unknown>>;
}

function record(db: Queryable, request: HttpRequest, { tenantId, nowMs, action, facts = {} }: Change): Promise<void> {
  const about = { realmId: "", resource: { type: "Tenant", id: tenantId }, facts };
  const actor = { type: "Operator", id: "operator" } as const;
  const { traceId, correlationId } = request;
  const event = { type: "V1TenantChange", action, actor, traceId, correlationId, atMs: nowMs, ...about } as const;
  return insertEvents(db, tenantId, [event]);
}

function tenantOf(request: HttpRequest): string {
  const { tenant = "" } = request.parameters;
  if (!HEX_ID.test(tenant)) throw notFound("Tenant", tenant);
  return tenant;
}

function answerOf({ tenantId, settings, kind, quotas, ...row }: Tenant): OperatedTenantAnswer {
  return { id: tenantId, display_name: settings.display_name, kind, quotas, ...timesOf(row) };
}
