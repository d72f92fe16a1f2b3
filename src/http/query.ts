import type { Static, TSchema } from "typebox";
import { Check } from "typebox/schema";
import { fieldViolations } from "./management-error.ts";
import type { HttpRequest } from "./route.ts";

/** The query of a management route as its schema types it. The server has refused what does not fit before; this gives the type. */
export function parseQueryOf<Schema extends TSchema>(request: HttpRequest, schema: Schema): Static<Schema> {
  if (Check(schema, request.query)) return request.query;
  throw fieldViolations([{ field: "query", description: "invalid" }]);
}

/** The body of a management route as its schema types it. */
export function parseBodyOf<Schema extends TSchema>(request: HttpRequest, schema: Schema): Static<Schema> {
  if (Check(schema, request.body)) return request.body;
  throw fieldViolations([{ field: "body", description: "invalid" }]);
}
