import { sha256 } from "../../platform/hash.ts";
import { isKnownTo } from "../if-none-match.ts";
import type { Operation } from "../operation.ts";
import type { HttpReply, HttpRequest, Route, RouteKind } from "../route.ts";
import type { AuthOperation } from "./auth-operation.ts";
import { describeApi } from "./document.ts";
import { createReference } from "./reference.ts";

const MAX_AGE_SECONDS = 300;

/** `GET /openapi.json` and its rendered reference, `GET /docs`, for the operations of these routes and the endpoints of the protocol. Both are the same until the next version, and made when first asked for. */
export function referenceRoutes(
  publicUrl: string,
  routes: readonly Route[],
  authOperations: readonly AuthOperation[],
): readonly Route[] {
  const document = once(() => {
    const operations = operationsOf(routes, "management");
    return describeApi({ publicUrl, operations, operatorOperations: operationsOf(routes, "operator"), authOperations });
  });
  const json = once(() => kept(JSON.stringify(document()), { "content-type": "application/json; charset=utf-8" }));
  const reference = once(() => createReference(document()));
  const pages = new Map<string, HttpReply>();
  const page = (slug: string): HttpReply => {
    const known = pages.get(slug);
    if (known !== undefined) return known;
    const { status, headers, body } = reference().page(slug);
    if (status !== 200) return { status, headers, body };
    const made = kept(body, headers);
    pages.set(slug, made);
    return made;
  };
  const get = (name: string, path: string, find: (request: HttpRequest) => HttpReply): Route => ({
    ...{ name, method: "GET", path, kind: "public" },
    handle: async (request) => unlessKnown(request, find(request)),
  });
  return [
    get("openapi", "/openapi.json", () => json()),
    get("reference", "/docs", () => page("")),
    get("referencePage", "/docs/:page", ({ parameters }) => page(parameters.page ?? "")),
  ];
}

// An operation may have routes at two addresses.
function operationsOf(routes: readonly Route[], kind: RouteKind): readonly Operation[] {
  const found = routes.filter((route) => route.kind === kind || (route.kind === "public" && kind === "management"));
  return [...new Set(found.flatMap(({ operation }) => operation ?? []))];
}

function kept(body: string, headers: Readonly<Record<string, string>>): HttpReply {
  const bytes = Buffer.from(body, "utf8");
  const etag = `"${sha256(bytes).toString("base64url")}"`;
  const caching = { "cache-control": `public, max-age=${MAX_AGE_SECONDS}`, etag, "access-control-allow-origin": "*" };
  return { status: 200, headers: { ...headers, ...caching }, body: bytes };
}

function unlessKnown(request: HttpRequest, reply: HttpReply): HttpReply {
  const { etag } = reply.headers ?? {};
  if (typeof etag !== "string" || !isKnownTo(request, etag)) return reply;
  return { status: 304, headers: { etag, "cache-control": `public, max-age=${MAX_AGE_SECONDS}` } };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
