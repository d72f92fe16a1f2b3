import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { startServer } from "./child-process.ts";
import { BENCH_SCOPE, type RunningSide, type Side, type SideContext, type TokenFormat } from "./side.ts";

const PROGRAM = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const FORMATS: TokenFormat[] = ["opaque", "ES256", "RS256"];
const TOKEN_LIFETIME_SECONDS = 3600;
const READY_SECONDS_MAX = 2;

/** Mayfly itself, started as an operator starts it: on PostgreSQL, with a declarative file. */
export const mayfly: Side = { name: "mayfly", start };

type BenchApplication = {
  format: TokenFormat;
  realmId: string;
  resourceServerId: string;
  applicationId: string;
  clientId: string;
  clientSecret: string;
};

async function start(context: SideContext): Promise<RunningSide> {
  const database = await context.createDatabase();
  const port = await findFreePort();
  const tenantId = hexId();
  const applications = new Map(FORMATS.map((format) => [format, benchApplication(format)]));
  const configPath = join(context.directory, "mayfly.yaml");
  writeFileSync(configPath, stringify(declaration(tenantId, [...applications.values()])), { mode: 0o600 });
  const server = await startServer({
    name: "mayfly",
    args: [PROGRAM],
    env: {
      MAYFLY_DATABASE_URL: database.url,
      MAYFLY_MASTER_KEY: randomBytes(32).toString("base64url"),
      MAYFLY_PORT: String(port),
      MAYFLY_OPS_PORT: "0",
      MAYFLY_PUBLIC_URL: `http://127.0.0.1:${port}`,
      MAYFLY_DATA_DIR: join(context.directory, "data"),
      MAYFLY_CONFIG: configPath,
      MAYFLY_LOG_LEVEL: "error",
      ...context.environment,
    },
    isUnpinned: context.isUnpinned ?? false,
    readyPort: async () => ((await isReady(port)) ? port : undefined),
    signal: context.signal,
  });
  return { name: "mayfly", pid: server.pid, port, stop: server.stop, ...requests(tenantId, applications) };
}

function requests(tenantId: string, applications: Map<TokenFormat, BenchApplication>) {
  const find = (format: TokenFormat): BenchApplication => {
    const application = applications.get(format);
    if (application === undefined) throw new Error(`no application for ${format}`);
    return application;
  };
  const base = (format: TokenFormat) => {
    const { realmId, applicationId } = find(format);
    return `/v1/tenants/${tenantId}/realms/${realmId}/applications/${applicationId}`;
  };
  return {
    discovery: () => ({ path: `${base("ES256")}/.well-known/openid-configuration` }),
    jwks: (format: TokenFormat) => ({ path: `${base(format)}/.well-known/jwks.json` }),
    issue(format: TokenFormat) {
      const { clientId, clientSecret } = find(format);
      const form = { grant_type: "client_credentials", scope: BENCH_SCOPE };
      return { path: `${base(format)}/token`, client: { clientId, clientSecret }, form };
    },
    introspect(format: TokenFormat, token: string) {
      const { realmId, clientId, clientSecret } = find(format);
      const path = `/v1/tenants/${tenantId}/realms/${realmId}/introspect`;
      return { path, client: { clientId, clientSecret }, form: { token, token_type_hint: "access_token" } };
    },
  };
}

function benchApplication(format: TokenFormat): BenchApplication {
  return {
    format,
    realmId: hexId(),
    resourceServerId: randomUUID(),
    applicationId: randomUUID(),
    clientId: `bench-${format.toLowerCase()}`,
    clientSecret: randomBytes(32).toString("base64url"),
  };
}

/**
 * The declarative file (settled 14). One realm an application: a realm's second algorithm would sign with the first
 * one's key until its own is published (rule 39).
 */
function declaration(tenantId: string, applications: BenchApplication[]) {
  const realms = applications.map((application) => ({
    id: application.realmId,
    display_name: `Benchmark ${application.format}`,
    resource_servers: [
      {
        id: application.resourceServerId,
        display_name: "Benchmark API",
        identifier: "urn:mayfly:bench",
        scopes: [BENCH_SCOPE],
      },
    ],
    applications: [declaredApplication(application)],
  }));
  return { version: 1, tenants: [{ id: tenantId, display_name: "Benchmark", realms }] };
}

function declaredApplication(application: BenchApplication) {
  const opaque = application.format === "opaque";
  return {
    id: application.applicationId,
    display_name: `Benchmark ${application.format}`,
    resource_server_id: application.resourceServerId,
    protocol_config: {
      type: "oauth2",
      confidentiality: "confidential",
      grant_type: ["client_credentials"],
      allowed_scopes: [BENCH_SCOPE],
      client_id: application.clientId,
      client_secret: application.clientSecret,
      token_format: opaque ? "referential" : "self_contained",
      token_configuration: {
        expires_after: TOKEN_LIFETIME_SECONDS,
        ...(opaque ? {} : { token_signing_algorithm: application.format }),
      },
    },
  };
}

function hexId(): string {
  return randomBytes(8).toString("hex");
}

async function isReady(port: number): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(READY_SECONDS_MAX * 1000);
    return (await fetch(`http://127.0.0.1:${port}/health/ready`, { signal })).ok;
  } catch {
    // Not listening yet; the caller asks again until its own limit.
    return false;
  }
}

/** A port that was free a moment ago: Mayfly's public URL must name its port before it starts. */
async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
