import type { AuthOperation } from "../../http/openapi/auth-operation.ts";
import { patternOf } from "../../http/operation.ts";
import type { HttpReply, HttpRequest, Route } from "../../http/route.ts";

/** The route of an operation that pages of an application call. */
export function routeOf(
  { name, method, path }: AuthOperation,
  handle: (request: HttpRequest) => Promise<HttpReply>,
): Route {
  return { name, method, path: patternOf(path), kind: "auth", handle };
}
