import { splitHosts } from "../platform/postgres-url.ts";
import { createChangeFeed, keepListening } from "./changes.ts";
import { createPool } from "./connection.ts";
import { createDatabase, type Database, type SentStatement } from "./database.ts";
import { createHosts } from "./hosts.ts";
import type { DatabaseMeter } from "./meter.ts";
import { withReplica } from "./replica.ts";

export interface PostgresqlOptions {
  /** `postgres://user:password@host:port,host:port/database` */
  readonly url: string;
  readonly poolSize: number;
  readonly onStatement?: (sent: SentStatement) => void;
  readonly meter?: DatabaseMeter;
}

export interface ReplicaOptions {
  readonly url: string;
  readonly poolSize: number;
  /** the clock that its lag is judged by, in milliseconds */
  readonly monotonicMs: () => number;
  readonly meter?: DatabaseMeter;
}

/** Who may read the primary as well waits no longer for a replica, in milliseconds. */
const REPLICA_CONNECT_MS_MAX = 1_000;
const REPLICA_ANSWER_MS_MAX = 3_000;

/** The database of a PostgreSQL server, version 15 or newer. Connections are made as they are needed. */
export function openPostgresql(options: PostgresqlOptions): Database {
  const [first, ...others] = splitHosts(options.url) ?? [];
  if (first === undefined) throw new Error("the database's URL names no host");
  const hosts = createHosts([first, ...others]);
  let stopListening = (): void => undefined;
  const changes = createChangeFeed(() => {
    stopListening = keepListening(hosts, changes);
  });
  const pool = createPool({ max: options.poolSize, application_name: "mayfly" }, { hosts });
  return createDatabase({
    kind: "postgresql",
    pool,
    hosts,
    changes,
    countSyncs: async () => undefined,
    stop: async () => stopListening(),
    ...(options.onStatement ? { onStatement: options.onStatement } : {}),
    ...(options.meter ? { meter: options.meter } : {}),
  });
}

/** Lets what may be some seconds old be read from a replica (settled 12). */
export function addReplica(primary: Database, { url, poolSize, monotonicMs, meter }: ReplicaOptions): Database {
  const settings = {
    connectionString: url,
    max: poolSize,
    application_name: "mayfly replica",
    connectionTimeoutMillis: REPLICA_CONNECT_MS_MAX,
    query_timeout: REPLICA_ANSWER_MS_MAX,
  };
  const replica = createDatabase({
    kind: "postgresql",
    pool: createPool(settings, { mayBeReadOnly: true }),
    ...(meter === undefined ? {} : { meter }),
    changes: createChangeFeed(),
    countSyncs: async () => undefined,
    stop: async () => undefined,
  });
  return withReplica(primary, replica, monotonicMs);
}
