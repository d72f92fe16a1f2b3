/**
 * The peer as a process of its own: oidc-provider with its memory store or with our PostgreSQL store.
 *
 * Prints one JSON line `{"ready": true, "port": n}` when it listens on a random loopback port, and ends on SIGTERM.
 */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { createServer, type Server } from "node:http";
import { parseArgs } from "node:util";
import { Provider } from "oidc-provider";
import pg from "pg";
import { LOGIN_SCOPE, REDIRECT_URI, REFRESH_LIFETIME_SECONDS } from "../login.ts";
import { CODE_LIFETIME_SECONDS, makeCodes } from "./codes.ts";
import { CODES_PATH } from "./codes-path.ts";
import { PEER_SCHEMA, postgresqlAdapter } from "./postgresql-adapter.ts";

const TOKEN_LIFETIME_SECONDS = 3600;
/** With 64 requests in flight 20 to 32 connections served the peer best; 10 cost it a fifth and more. */
const POOL_SIZE_DEFAULT = "32";

/** The resource indicator a request names to choose the format of its token; the last part is the format. */
const RESOURCE_PREFIX = "urn:mayfly:bench:";

const { values: settings } = parseArgs({
  options: {
    store: { type: "string", default: "memory" },
    "database-url": { type: "string" },
    "pool-size": { type: "string", default: POOL_SIZE_DEFAULT },
    "client-id": { type: "string", default: "bench" },
    "client-secret": { type: "string" },
    scope: { type: "string", default: "bench:read" },
  },
});

const pool = await openStore();
const server = createServer();
await listen(server);
const port = portOf(server);
const provider = new Provider(`http://127.0.0.1:${port}`, configuration());
const answer = provider.callback();
server.on("request", (request, response) => {
  if (request.url?.startsWith(`${CODES_PATH}?`) !== true) {
    void answer(request, response);
    return;
  }
  const count = Number(new URL(request.url, "http://peer").searchParams.get("count"));
  const login = { clientId: settings["client-id"], resource: `${RESOURCE_PREFIX}ES256` };
  makeCodes(provider, login, count).then(
    (codes) => response.end(JSON.stringify(codes)),
    (error: unknown) => response.end(JSON.stringify(String(error))),
  );
});
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void stop());
process.stdout.write(`${JSON.stringify({ ready: true, port })}\n`);

async function openStore(): Promise<pg.Pool | undefined> {
  if (settings.store === "memory") return undefined;
  if (settings.store !== "postgresql") throw new Error("--store is memory or postgresql");
  const opened = new pg.Pool({ connectionString: settings["database-url"], max: Number(settings["pool-size"]) });
  await opened.query(PEER_SCHEMA);
  return opened;
}

function listen(http: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once("error", reject);
    http.listen(0, "127.0.0.1", resolve);
  });
}

function portOf(http: Server): number {
  const address = http.address();
  if (address === null || typeof address === "string") throw new Error("the peer listens on no port");
  return address.port;
}

function configuration(): Record<string, unknown> {
  return {
    ...(pool === undefined ? {} : { adapter: postgresqlAdapter(pool) }),
    clients: [
      {
        client_id: settings["client-id"],
        client_secret: settings["client-secret"],
        grant_types: ["client_credentials", "authorization_code", "refresh_token"],
        redirect_uris: [REDIRECT_URI],
        response_types: ["code"],
        id_token_signed_response_alg: "ES256",
        token_endpoint_auth_method: "client_secret_basic",
      },
    ],
    jwks: { keys: [signingKey("ES256"), signingKey("RS256")] },
    scopes: [settings.scope, ...LOGIN_SCOPE.split(" ")],
    findAccount: (_context: unknown, accountId: string) => ({ accountId, claims: () => ({ sub: accountId }) }),
    rotateRefreshToken: true,
    ttl: {
      AuthorizationCode: CODE_LIFETIME_SECONDS,
      Grant: REFRESH_LIFETIME_SECONDS,
      RefreshToken: REFRESH_LIFETIME_SECONDS,
      IdToken: TOKEN_LIFETIME_SECONDS,
    },
    // The peer's introspection policy asks nothing of the database; the client reads its own tokens.
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context: unknown, id: string) => resource(id),
        // The access token is for the resource of the login, as Mayfly's is, and not for userinfo.
        useGrantedResource: () => true,
      },
    },
  };
}

function resource(indicator: string): Record<string, unknown> {
  const format = indicator.startsWith(RESOURCE_PREFIX) ? indicator.slice(RESOURCE_PREFIX.length) : "";
  const common = { scope: settings.scope, audience: indicator, accessTokenTTL: TOKEN_LIFETIME_SECONDS };
  if (format === "opaque") return { ...common, accessTokenFormat: "opaque" };
  if (format === "ES256" || format === "RS256") {
    return { ...common, accessTokenFormat: "jwt", jwt: { sign: { alg: format } } };
  }
  throw new Error(`unknown resource ${indicator}`);
}

function signingKey(alg: "ES256" | "RS256"): Record<string, unknown> {
  const { privateKey }: { privateKey: KeyObject } =
    alg === "ES256"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), alg, use: "sig", kid: alg };
}

async function stop(): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await pool?.end();
}
