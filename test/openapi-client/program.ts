import createClient from "openapi-fetch";
import type { components, paths } from "./generated/api.ts";

// A small program of somebody who has nothing but the OpenAPI document: it is compiled and run by test/api/openapi-client.test.ts.

const [, , baseUrl = "", tenant = "", realm = "", token = ""] = process.argv;
declare const process: { readonly argv: readonly string[] };

const api = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${token}` } });
const place = { tenant, realm };

const made = await api.POST("/v1/tenants/{tenant}/realms/{realm}/groups", {
  params: { path: place, header: { "Idempotency-Key": "one" } },
  body: { group: { display_name: "Clerks" } },
});
if (made.error !== undefined) throw new Error(`${made.error.code}: ${made.error.message}`);
const group: components["schemas"]["Group"] = made.data;

const changed = await api.PATCH("/v1/tenants/{tenant}/realms/{realm}/groups/{group}", {
  params: { path: { ...place, group: group.id }, header: { "If-Match": made.response.headers.get("etag") ?? "" } },
  body: { group: { description: "At the till" } },
});
const listed = await api.GET("/v1/tenants/{tenant}/realms/{realm}/groups", {
  params: { path: place, query: { filter: 'display_name eq "Clerks"', page_size: "5" } },
});
const refused = await api.GET("/v1/tenants/{tenant}/realms/{realm}/groups/{group}", {
  params: { path: { ...place, group: "00000000000000ee" } },
});

// @ts-expect-error: there is no such path
void (() => api.GET("/v1/nothing", {}));
// @ts-expect-error: a group has no such member
void (() => group.colour);
void (() =>
  api.POST("/v1/tenants/{tenant}/realms/{realm}/groups", {
    params: { path: place },
    // @ts-expect-error: the body is wrapped in its noun
    body: { display_name: "Clerks" },
  }));

const told: readonly unknown[] = [
  changed.data?.description,
  listed.data?.groups.map(({ display_name }) => display_name),
  refused.error?.code,
  refused.error?.details?.[0]?.type,
];
console.log(JSON.stringify(told));
