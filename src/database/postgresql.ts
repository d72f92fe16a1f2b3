import { createPool } from "./connection.ts";
import { createDatabase, type Database, type SentStatement } from "./database.ts";

export interface PostgresqlOptions {
  /** `postgres://user:password@host:port/database` */
  readonly url: string;
  readonly poolSize: number;
  readonly onStatement?: (sent: SentStatement) => void;
}

/** The database of a PostgreSQL server, version 15 or newer. Connections are made as they are needed. */
export function openPostgresql(options: PostgresqlOptions): Database {
  const pool = createPool({ connectionString: options.url, max: options.poolSize, application_name: "mayfly" });
  return createDatabase({
    kind: "postgresql",
    pool,
    countSyncs: async () => undefined,
    stop: async () => undefined,
    ...(options.onStatement ? { onStatement: options.onStatement } : {}),
  });
}
