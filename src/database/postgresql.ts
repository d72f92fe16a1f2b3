import { splitHosts } from "../platform/postgres-url.ts";
import { createPool } from "./connection.ts";
import { createDatabase, type Database, type SentStatement } from "./database.ts";
import { createHosts } from "./hosts.ts";
import type { DatabaseMeter } from "./meter.ts";

export interface PostgresqlOptions {
  /** `postgres://user:password@host:port,host:port/database` */
  readonly url: string;
  readonly poolSize: number;
  readonly onStatement?: (sent: SentStatement) => void;
  readonly meter?: DatabaseMeter;
}

/** The database of a PostgreSQL server, version 15 or newer. Connections are made as they are needed. */
export function openPostgresql(options: PostgresqlOptions): Database {
  const [first, ...others] = splitHosts(options.url) ?? [];
  if (first === undefined) throw new Error("the database's URL names no host");
  const hosts = createHosts([first, ...others]);
  const pool = createPool({ max: options.poolSize, application_name: "mayfly" }, { hosts });
  return createDatabase({
    kind: "postgresql",
    pool,
    hosts,
    countSyncs: async () => undefined,
    stop: async () => undefined,
    ...(options.onStatement ? { onStatement: options.onStatement } : {}),
    ...(options.meter ? { meter: options.meter } : {}),
  });
}
