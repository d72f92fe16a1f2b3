import { posix } from "node:path";
import type { Rule } from "./architecture-rules.ts";
import type { Import, SourceFile } from "./architecture-source.ts";

/** From the top of a request's way to the bottom. What shares a line may not import one another. */
const LAYERS: string[][] = [
  ["main", "cli", "verifier"],
  ["workers"],
  ["start", "welcome"],
  ["app"],
  ["oauth", "login", "declarative", "jobs"],
  ["keys"],
  ["resources"],
  ["http"],
  ["deps"],
  ["database"],
  ["config"],
  ["protocol"],
  ["platform"],
];
const ORDER = LAYERS.map((names) => names.join(" | ")).join(" > ");

/** Files directly in src/ that belong to a folder's layer. */
const FILES_OF_A_LAYER = new Map([["bootstrap", "declarative"]]);

/** What a resource shows to the rest of the house. */
const OPEN_RESOURCE_FILES = ["queries.ts", "schema.ts", "rules.ts", "changes.ts", "recorder.ts"];

/** Packages that only some places may import; where types alone do no harm, the layers that may take them. */
const FENCED_PACKAGES = [
  {
    packages: ["pg", "@electric-sql/"],
    places: ["src/database/"],
    typesIn: [],
    fix: "ask src/database/ for what is missing",
  },
  {
    packages: ["fastify", "@fastify/"],
    places: ["src/app.ts", "src/http/"],
    typesIn: ["src/oauth/", "src/login/", "src/keys/", "src/resources/", "src/jobs/", "src/main.ts"],
    fix: "import its types only, and put what needs Fastify itself into src/http/",
  },
];

/** The rules of the protocol, the platform, and what says whether a configuration is right. */
const COMMAND_LINE_MAY_IMPORT = /^src\/(cli\/|protocol\/|platform\/|config\.ts$)/;

const PURE_MODULES = ["node:crypto", "node:buffer", "node:util", "node:url", "node:net", "node:zlib"];
const IMPURE_PLATFORM = /^src\/platform\/(clock|random|log|mail)\.ts$/;

/** The rules about what may import what. */
export const importRules: Rule[] = [
  {
    name: "imports point down",
    check: (file) =>
      productImports(file).flatMap(({ target, offset }) => problem(checkDirection(file.path, target), offset)),
    bad: [
      { path: "src/http/server.ts", text: 'import { issue } from "../oauth/issue.ts";' },
      { path: "src/oauth/token.ts", text: 'import { consent } from "../login/dispatch.ts";' },
      { path: "src/oauth/token.ts", text: 'export { consent } from "../login/dispatch.ts";' },
      { path: "src/jobs/index.ts", text: 'import { bootstrap } from "../bootstrap.ts";' },
      { path: "src/main.ts", text: 'import { run } from "./cli/run.ts";' },
      { path: "src/protocol/pkce.ts", text: 'const { pool } = await import("../database/pool.ts");' },
      { path: "src/protocol/pkce.ts", text: 'import type { Deps } from "../deps.ts";' },
      { path: "src/app.ts", text: 'import { testTenant } from "../test/support/test-tenant.ts";' },
      { path: "src/services/token.ts", text: "export {};" },
      { path: "src/app.ts", text: 'import { x } from "./services/token.ts";' },
    ],
    good: [
      { path: "src/main.ts", text: 'import { createApp } from "./app.ts";' },
      { path: "src/oauth/grants/refresh-token.ts", text: 'import { issue } from "../issue.ts";' },
      { path: "src/bootstrap.ts", text: 'import { apply } from "./declarative/apply.ts";' },
      { path: "src/protocol/pkce.test.ts", text: 'import { testTenant } from "../../test/support/test-tenant.ts";' },
    ],
  },
  {
    name: "a resource is imported by its queries, schema, rules and changes",
    check: (file) =>
      productImports(file).flatMap(({ target, offset }) => problem(checkResource(file.path, target), offset)),
    bad: [
      { path: "src/app.ts", text: 'import { routes } from "./resources/realm/routes.ts";' },
      { path: "src/resources/tenant/routes.ts", text: 'import { routes } from "../realm/routes.ts";' },
      { path: "src/resources/index.ts", text: 'import { cascade } from "./realm/cascade.ts";' },
      { path: "src/oauth/token.ts", text: 'import { cascade } from "../resources/realm/cascade.ts";' },
    ],
    good: [
      { path: "src/resources/index.ts", text: 'import { routes } from "./realm/routes.ts";' },
      { path: "src/resources/realm/routes.ts", text: 'import { cascade } from "./cascade.ts";' },
      { path: "src/oauth/token.ts", text: 'import { findRealm } from "../resources/realm/queries.ts";' },
      { path: "src/app.ts", text: 'import { resources } from "./resources/index.ts";' },
    ],
  },
  {
    name: "the command line knows the server by HTTP only",
    check: (file) =>
      productImports(file).flatMap(({ target, offset }) => problem(checkCommandLine(file.path, target), offset)),
    bad: [
      { path: "src/cli/commands/keys.ts", text: 'import { rotateNow } from "../../keys/rotate.ts";' },
      { path: "src/cli/commands/export.ts", text: 'import { exportTenant } from "../../declarative/export.ts";' },
    ],
    good: [
      { path: "src/cli/command.ts", text: 'import { decodeId } from "../protocol/token-id.ts";' },
      { path: "src/cli/doctor/machine-checks.ts", text: 'import { readConfig } from "../../config.ts";' },
      { path: "src/main.ts", text: 'import { startServer } from "./start.ts";' },
    ],
  },
  {
    name: "packages stay behind their fence",
    check: (file) =>
      isProduct(file) ? file.imports.flatMap((entry) => problem(checkPackage(file.path, entry), entry.offset)) : [],
    bad: [
      { path: "src/resources/realm/queries.ts", text: 'import pg from "pg";' },
      { path: "src/keys/rotate.ts", text: 'import type { PGlite } from "@electric-sql/pglite";' },
      { path: "src/oauth/token.ts", text: 'import Fastify from "fastify";' },
      { path: "src/protocol/scope.ts", text: 'import type { FastifyRequest } from "fastify";' },
    ],
    good: [
      { path: "src/database/pool.ts", text: 'import pg from "pg";' },
      { path: "src/oauth/token.ts", text: 'import type { FastifyRequest } from "fastify";' },
      { path: "src/oauth/token.ts", text: 'import { type FastifyRequest } from "fastify";' },
      { path: "src/http/server.ts", text: 'import Fastify from "fastify";' },
    ],
  },
  {
    name: "protocol is pure",
    check: (file) =>
      isProduct(file) ? file.imports.flatMap((entry) => problem(checkPurity(file.path, entry), entry.offset)) : [],
    bad: [
      { path: "src/protocol/redirect-uri.ts", text: 'import { readFile } from "node:fs/promises";' },
      { path: "src/protocol/lifetime.ts", text: 'import { createClock } from "../platform/clock.ts";' },
    ],
    good: [
      { path: "src/protocol/pkce.ts", text: 'import { createHash } from "node:crypto";' },
      { path: "src/protocol/pkce.ts", text: 'import { sha256 } from "../platform/hash.ts";' },
    ],
  },
];

function isProduct(file: SourceFile): boolean {
  return file.path.startsWith("src/") && !file.isTest;
}

/** The files of ours that a file of the product imports; itself first, so that a file without a layer is found. */
function productImports(file: SourceFile): { target: string; offset: number }[] {
  if (!isProduct(file)) return [];
  const relative = file.imports.filter(({ specifier }) => specifier.startsWith("."));
  return [
    { target: file.path, offset: 0 },
    ...relative.map((entry) => ({ target: resolve(file.path, entry), offset: entry.offset })),
  ];
}

function resolve(path: string, { specifier }: Import): string {
  return posix.join(posix.dirname(path), specifier);
}

function problem(message: string | undefined, offset: number): { message: string; offset: number }[] {
  return message === undefined ? [] : [{ message, offset }];
}

function layerOf(path: string): { name: string; rank: number } | undefined {
  const first = path.split("/")[1]?.replace(/\.ts$/, "") ?? "";
  const name = FILES_OF_A_LAYER.get(first) ?? first;
  const rank = LAYERS.findIndex((names) => names.includes(name));
  return rank < 0 ? undefined : { name, rank };
}

function checkDirection(path: string, target: string): string | undefined {
  if (!target.startsWith("src/")) return `${target} is no part of the product: move what is needed into src/`;
  const from = layerOf(path);
  const to = layerOf(target);
  if (from === undefined || to === undefined) {
    return `${from === undefined ? path : target} belongs to no layer: put it into one of ${ORDER}`;
  }
  if (from.name === to.name || from.rank < to.rank) return undefined;
  const direction = from.rank === to.rank ? "sideways" : "up";
  return `imports ${target}, which is ${direction} (${ORDER}): move what both need down, or hand it in as a parameter`;
}

function checkResource(path: string, target: string): string | undefined {
  const [, layer, noun, file] = target.split("/");
  if (layer !== "resources" || noun === undefined || file === undefined) return undefined;
  if (path.startsWith(`src/resources/${noun}/`)) return undefined;
  if (path === "src/resources/index.ts" && file === "routes.ts") return undefined;
  if (OPEN_RESOURCE_FILES.includes(file)) return undefined;
  return `imports ${target}: of another resource only ${OPEN_RESOURCE_FILES.join(", ")} may be imported; routes are listed in resources/index.ts`;
}

function checkCommandLine(path: string, target: string): string | undefined {
  if (!path.startsWith("src/cli/") || COMMAND_LINE_MAY_IMPORT.test(target)) return undefined;
  return `imports ${target}, which is the server's: ask the server over HTTP`;
}

function checkPackage(path: string, { specifier, isTypeOnly }: Import): string | undefined {
  const fence = FENCED_PACKAGES.find(({ packages }) =>
    packages.some((name) => specifier === name || specifier.startsWith(name.endsWith("/") ? name : `${name}/`)),
  );
  if (fence === undefined || fence.places.some((place) => path.startsWith(place))) return undefined;
  if (isTypeOnly && fence.typesIn.some((place) => path.startsWith(place))) return undefined;
  return `imports ${specifier}, which belongs to ${fence.places.join(" and ")}: ${fence.fix}`;
}

function checkPurity(path: string, entry: Import): string | undefined {
  if (!path.startsWith("src/protocol/") || entry.isTypeOnly) return undefined;
  const isImpure = entry.specifier.startsWith("node:")
    ? !PURE_MODULES.includes(entry.specifier)
    : IMPURE_PLATFORM.test(resolve(path, entry));
  return isImpure
    ? `imports ${entry.specifier}, but protocol/ takes values and returns values: hand the value in`
    : undefined;
}
