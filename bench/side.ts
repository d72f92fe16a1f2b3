import type { Database } from "./database.ts";
import type { BenchRequest } from "./http-request.ts";

/** The formats of access token that are measured; the JWTs are named by their signature. */
export type TokenFormat = "opaque" | "ES256" | "RS256";

/** The names of the sides, as `--sides` takes them and the table prints them. */
export type SideName = "mayfly" | "peer-memory" | "peer-postgresql";

/** A server that is running and can be measured. */
export type RunningSide = {
  name: SideName;
  pid: number;
  port: number;
  /** The request for one token of that format by client credentials. */
  issue(format: TokenFormat): BenchRequest;
  /** The request by that token's own client to introspect it. */
  introspect(format: TokenFormat, token: string): BenchRequest;
  /** The request by that token's own client to revoke it. */
  revoke(format: TokenFormat, token: string): BenchRequest;
  /** Codes of as many finished logins (login.ts), to be exchanged within a minute. */
  makeCodes(count: number): Promise<string[]>;
  /** The request to exchange a code for an ES256 access token, an ES256 ID token and a refresh token. */
  exchange(code: string): BenchRequest;
  /** The request to exchange a refresh token for the same, and its successor. */
  refresh(token: string): BenchRequest;
  /** The request for the issuer's metadata. */
  discovery(): BenchRequest;
  /** The request for the keys that sign tokens of that format. */
  jwks(format: TokenFormat): BenchRequest;
  stop(): Promise<void>;
};

/** How a server is started for one measurement, where it is not as always. */
export type ServerSettings = {
  /** Environment variables of Mayfly on top of its own. */
  environment?: Record<string, string>;
  /** Lets the server use every core instead of one. */
  isUnpinned?: boolean;
};

/** What a side is given to start. */
export type SideContext = ServerSettings & {
  /** Makes a fresh, empty database. */
  createDatabase(): Promise<Database>;
  /** A directory of its own, removed by the runner. */
  directory: string;
  signal: AbortSignal;
};

/** One competitor: how its server is started. */
export type Side = { name: SideName; start(context: SideContext): Promise<RunningSide> };

/** The one scope that every measured token has. */
export const BENCH_SCOPE = "bench:read";
