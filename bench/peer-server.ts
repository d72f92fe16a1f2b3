import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { startServer } from "./child-process.ts";
import { CODE_VERIFIER, REDIRECT_URI } from "./login.ts";
import { CODES_PATH } from "./peers/codes-path.ts";
import { BENCH_SCOPE, type RunningSide, type Side, type SideContext, type TokenFormat } from "./side.ts";

const PROGRAM = fileURLToPath(new URL("./peers/oidc-provider.ts", import.meta.url));
const CLIENT_ID = "bench";
const CODES_SECONDS_MAX = 60;
const READY_LINE = /^\{"ready":true,"port":(\d+)\}$/m;

/** oidc-provider with the store it brings: an LRU map in memory, lost with the process. */
export const peerMemory: Side = { name: "peer-memory", start: (context) => start(context, "peer-memory", []) };

/** oidc-provider with our PostgreSQL store. */
export const peerPostgresql: Side = {
  name: "peer-postgresql",
  async start(context) {
    const database = await context.createDatabase();
    return start(context, "peer-postgresql", ["--store", "postgresql", "--database-url", database.url]);
  },
};

async function start(context: SideContext, name: Side["name"], storeArgs: string[]): Promise<RunningSide> {
  const clientSecret = randomBytes(32).toString("base64url");
  const client = { clientId: CLIENT_ID, clientSecret };
  const server = await startServer({
    name,
    args: [PROGRAM, ...storeArgs, "--client-id", CLIENT_ID, `--client-secret=${clientSecret}`, "--scope", BENCH_SCOPE],
    readyPort: (printed) => {
      const port = READY_LINE.exec(printed)?.[1];
      return port === undefined ? undefined : Number(port);
    },
    isUnpinned: context.isUnpinned ?? false,
    signal: context.signal,
  });
  return {
    name,
    pid: server.pid,
    port: server.port,
    issue: (format) => ({
      path: "/token",
      client,
      form: { grant_type: "client_credentials", scope: BENCH_SCOPE, resource: resource(format) },
    }),
    // Without the hint the peer would search its refresh tokens, too: one more read, at its cost.
    introspect: (_format, token) => ({
      path: "/token/introspection",
      client,
      form: { token, token_type_hint: "access_token" },
    }),
    revoke: (_format, token) => ({
      path: "/token/revocation",
      client,
      form: { token, token_type_hint: "access_token" },
    }),
    makeCodes: (count) => makeCodes(server.port, count),
    exchange: (code) => ({
      path: "/token",
      client,
      form: { grant_type: "authorization_code", redirect_uri: REDIRECT_URI, code_verifier: CODE_VERIFIER, code },
    }),
    refresh: (token) => ({ path: "/token", client, form: { grant_type: "refresh_token", refresh_token: token } }),
    discovery: () => ({ path: "/.well-known/openid-configuration" }),
    jwks: () => ({ path: "/jwks" }),
    stop: server.stop,
  };
}

async function makeCodes(port: number, count: number): Promise<string[]> {
  const response = await fetch(`http://127.0.0.1:${port}${CODES_PATH}?count=${count}`, {
    method: "POST",
    signal: AbortSignal.timeout(CODES_SECONDS_MAX * 1000),
  });
  const codes: unknown = await response.json();
  if (!Array.isArray(codes)) throw new Error(`the peer made no codes: ${JSON.stringify(codes)}`);
  return codes.map(String);
}

/** The peer takes the format of a token from the resource that it is for. */
function resource(format: TokenFormat): string {
  return `urn:mayfly:bench:${format}`;
}
