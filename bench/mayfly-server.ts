import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findFreePort } from "../bin/free-port.mjs";
import { serverFlags } from "../bin/server-flags.mjs";
import { startServer } from "./child-process.ts";
import type { Database } from "./database.ts";
import type { BenchRequest } from "./http-request.ts";
import { CODE_VERIFIER, REDIRECT_URI } from "./login.ts";
import { makeCodes } from "./mayfly-codes.ts";
import { type BenchApplication, benchApplication, declare, hexId, MANAGER_SCOPES } from "./mayfly-declaration.ts";
import { isReady } from "./ready.ts";
import { BENCH_SCOPE, type RunningSide, type Side, type SideContext, type TokenFormat } from "./side.ts";

const PROGRAM = fileURLToPath(new URL("../src/main.ts", import.meta.url));
/** The most that an operator may allow. */
const REQUESTS_PER_MINUTE_MAX = 10_000_000;
const FORMATS: TokenFormat[] = ["opaque", "ES256", "RS256"];

/** Mayfly itself, started as an operator starts it: on PostgreSQL, with a declarative file. */
export const mayfly: Side = { name: "mayfly", start: startMayfly };

/** Mayfly, and what is behind its listener. */
export type RunningMayfly = RunningSide & {
  database: Database;
  operationsPort: number;
  tenantId: string;
  /** the applications by client credentials, and the one that people log in to */
  services: BenchApplication[];
  login: BenchApplication;
  publicUrl: string;
  /** what the client of `login` knows */
  loginClient: { issuer: string; clientId: string };
  /** Does something as the server's operator. */
  operate: ApiClient;
  /** The request for a token that may list tokens and the directory. */
  manage(): BenchRequest;
  /** The request of such a token's holder for the first page of an application's tokens. */
  listTokens(format: TokenFormat, bearer: string): BenchRequest;
};

/** Starts Mayfly with the applications that the benchmarks use. */
export async function startMayfly(context: SideContext): Promise<RunningMayfly> {
  const database = await context.createDatabase();
  const [port, operationsPort] = [await findFreePort(), await findFreePort()];
  const publicUrl = `http://localhost:${port}`; // passkeys belong to a name, and not to an address
  const tenantId = hexId();
  const services = FORMATS.map((format) => benchApplication(format, false));
  const login = benchApplication("ES256", true);
  const manager = { ...benchApplication("opaque", false), clientId: "bench-manager" };
  const configPath = join(context.directory, "mayfly.yaml");
  writeFileSync(configPath, declare(tenantId, [...services, login], manager), { mode: 0o600 });
  const operatorToken = randomBytes(32).toString("base64url");
  const operatorTokenPath = join(context.directory, "operator-token");
  writeFileSync(operatorTokenPath, operatorToken, { mode: 0o600 });
  const server = await startServer({
    name: "mayfly",
    args: [...serverFlags(), PROGRAM],
    env: {
      MAYFLY_DATABASE_URL: database.url,
      MAYFLY_MASTER_KEY: randomBytes(32).toString("base64url"),
      MAYFLY_PORT: String(port),
      MAYFLY_OPS_PORT: String(operationsPort),
      MAYFLY_PUBLIC_URL: publicUrl,
      MAYFLY_DATA_DIR: join(context.directory, "data"),
      MAYFLY_CONFIG: configPath,
      MAYFLY_OPERATOR_TOKEN_FILE: operatorTokenPath,
      MAYFLY_LOG_LEVEL: "error",
      ...context.environment,
    },
    isUnpinned: context.isUnpinned ?? false,
    readyPort: async () => ((await isReady(port)) ? port : undefined),
    signal: context.signal,
  });
  const operate = createApiClient(port, operatorToken);
  // What is measured is what a request costs, not when a caller has had enough of them.
  await operate("PATCH", `/v1/tenants/${tenantId}/quotas`, {
    quotas: { requests_per_minute: REQUESTS_PER_MINUTE_MAX, logins_per_minute: REQUESTS_PER_MINUTE_MAX },
  });
  return {
    name: "mayfly",
    pid: server.pid,
    port,
    stop: server.stop,
    ...serviceRequests(tenantId, services),
    ...loginRequests(tenantId, login),
    ...{ database, operationsPort, publicUrl, tenantId, services, login, operate },
    loginClient: { issuer: `${publicUrl}${applicationPath(tenantId, login)}`, clientId: login.clientId },
    manage: () => ({
      path: `${applicationPath(tenantId, manager)}/token`,
      client: { clientId: manager.clientId, clientSecret: manager.clientSecret },
      form: { grant_type: "client_credentials", scope: MANAGER_SCOPES.join(" ") },
    }),
    makeCodes: (count) => makeCodes(database.url, { tenantId, application: login }, count),
  };
}

/** Sends a request to the API; throws unless it succeeds. Returns the answer's JSON. */
export type ApiClient = (method: string, path: string, body: object) => Promise<Record<string, unknown>>;

/** The API for the holder of that bearer token: the operator, or a client of a tenant. */
export function createApiClient(port: number, token: string): ApiClient {
  return async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
    return { ...JSON.parse(text) };
  };
}

function serviceRequests(tenantId: string, applications: BenchApplication[]) {
  const find = (format: TokenFormat): BenchApplication => {
    const application = applications.find((candidate) => candidate.format === format);
    if (application === undefined) throw new Error(`no application for ${format}`);
    return application;
  };
  const base = (format: TokenFormat) => applicationPath(tenantId, find(format));
  const realm = (format: TokenFormat) => `/v1/tenants/${tenantId}/realms/${find(format).realmId}`;
  const post = (format: TokenFormat, path: string, form: Record<string, string>): BenchRequest => {
    const { clientId, clientSecret } = find(format);
    return { path, client: { clientId, clientSecret }, form };
  };
  return {
    issue: (format: TokenFormat) =>
      post(format, `${base(format)}/token`, { grant_type: "client_credentials", scope: BENCH_SCOPE }),
    introspect: (format: TokenFormat, token: string) =>
      post(format, `${realm(format)}/introspect`, { token, token_type_hint: "access_token" }),
    revoke: (format: TokenFormat, token: string) =>
      post(format, `${base(format)}/revoke`, { token, token_type_hint: "access_token" }),
    listTokens: (format: TokenFormat, bearer: string) => ({ path: `${base(format)}/tokens`, bearer }),
    discovery: () => ({ path: `${base("ES256")}/.well-known/openid-configuration` }),
    jwks: (format: TokenFormat) => ({ path: `${base(format)}/.well-known/jwks.json` }),
  };
}

function loginRequests(tenantId: string, application: BenchApplication) {
  const { clientId, clientSecret } = application;
  const post = (form: Record<string, string>): BenchRequest => ({
    path: `${applicationPath(tenantId, application)}/token`,
    client: { clientId, clientSecret },
    form,
  });
  return {
    exchange: (code: string) =>
      post({ grant_type: "authorization_code", redirect_uri: REDIRECT_URI, code_verifier: CODE_VERIFIER, code }),
    refresh: (token: string) => post({ grant_type: "refresh_token", refresh_token: token }),
  };
}

function applicationPath(tenantId: string, { realmId, applicationId }: BenchApplication): string {
  return `/v1/tenants/${tenantId}/realms/${realmId}/applications/${applicationId}`;
}
