/** What could not be had: the database's answer, or a place in the line before it. */
export type UnavailableReason = "database" | "queue_full";

/** The database could not answer in time or at all; the caller answers 503 and nothing was acknowledged. */
export class DatabaseUnavailable extends Error {
  readonly mayHaveCommitted: boolean;
  readonly reason: UnavailableReason;

  constructor(
    message: string,
    options: { cause?: unknown; mayHaveCommitted?: boolean; reason?: UnavailableReason } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = "DatabaseUnavailable";
    this.mayHaveCommitted = options.mayHaveCommitted ?? false;
    this.reason = options.reason ?? "database";
  }
}

/** The SQLSTATE of an error that PostgreSQL reported, if it is one. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  if ("syscall" in error) return undefined; // EPIPE is the system's, though it has the form of a SQLSTATE
  return /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined;
}

/** A unique or exclusion constraint refused the row; `constraint` says which. */
export function isConflict(error: unknown, constraint?: string): boolean {
  if (sqlState(error) !== "23505") return false;
  return (
    constraint === undefined || (error instanceof Error && "constraint" in error && error.constraint === constraint)
  );
}

/** A quota of a tenant that a row would pass: its name, how many there may be, and how many there are. */
export interface QuotaReached {
  readonly quota: string;
  readonly limit: number;
  readonly present: number;
}

/** The quota that refused a row (migration 0015), if one did. */
export function readQuotaReached(error: unknown): QuotaReached | undefined {
  if (sqlState(error) !== "23514" || !(error instanceof Error) || !("constraint" in error) || !("detail" in error)) {
    return undefined;
  }
  return error.constraint === "tenant_quota" ? JSON.parse(String(error.detail)) : undefined;
}

/** A lock was not had within the time that was given for it. */
export function isLockTimeout(error: unknown): boolean {
  return sqlState(error) === "55P03";
}

/** No partition takes the row: PostgreSQL's check_violation on a partitioned table. */
export function isMissingPartition(error: unknown): boolean {
  return sqlState(error) === "23514" && error instanceof Error && error.message.includes("no partition of relation");
}

// Class 22 is what PostgreSQL says of a value it cannot take, 23 of a constraint: the row is at fault, not the server.
export function isDataError(error: unknown): boolean {
  const state = sqlState(error);
  return state !== undefined && (state.startsWith("22") || state.startsWith("23"));
}

// 08 connection, 57P0x shutdown, 53 out of resources, 25006 a standby, 25P03 and 25P04 a transaction that took too long, 55P03 and 40xxx contention, 57014 cancelled.
const UNAVAILABLE = /^(08|53|57P0|40|25006|25P0[34]|55P03|57014|58|XX)/;

// What PostgreSQL says of a statement that ran out of room or time: its transaction is undone, and again it would fail as slowly.
const SURELY_UNDONE = /^(53|57014)/;

/**
 * A prepared statement that no longer fits: a newer version's migration changed its table, or the session lost it. Its connection
 * is of no use any more, and the statement did nothing.
 */
export function isStalePlan(error: unknown): boolean {
  if (error instanceof DatabaseUnavailable) return isStalePlan(error.cause);
  const state = sqlState(error);
  return state === "26000" || (state === "0A000" && error instanceof Error && error.message.includes("cached plan"));
}

/**
 * Trouble of the statement alone: no room, no time, a lock that others had. Its connection is as good as before, and a new one for
 * each such answer would be more work for a server that has too much.
 */
export function isOwnTrouble(error: unknown): boolean {
  return /^(53[12]00|57014|40|55P03)/.test(sqlState(error) ?? "");
}

/** The server did not answer within the driver's time. */
export function isSilence(error: unknown): boolean {
  return error instanceof Error && error.message === "Query read timeout";
}

/** Trouble that another host may not have: a connection that broke or was refused, a server that ends, one that takes no writes. */
export function isHostTrouble(error: unknown): boolean {
  if (!(error instanceof DatabaseUnavailable)) return false;
  const state = sqlState(error.cause);
  return state === undefined ? isConnectionLoss(error.cause) : /^(08|57P0|25006)/.test(state);
}

/** Translates what the driver threw: server trouble becomes DatabaseUnavailable, everything else stays as it is. */
export function translateDatabaseError(error: unknown): unknown {
  const state = sqlState(error);
  if (isStalePlan(error)) return new DatabaseUnavailable("a prepared statement is out of date", { cause: error });
  if (state !== undefined) {
    if (!UNAVAILABLE.test(state)) return error;
    return new DatabaseUnavailable(`the database refused (${state})`, {
      cause: error,
      mayHaveCommitted: !SURELY_UNDONE.test(state),
    });
  }
  if (error instanceof DatabaseUnavailable) return error;
  return isConnectionLoss(error)
    ? new DatabaseUnavailable("the connection to the database was lost", { cause: error, mayHaveCommitted: true })
    : error;
}

function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (
    "code" in error &&
    typeof error.code === "string" &&
    /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_|EHOST|ENET)/.test(error.code)
  )
    return true;
  return /connection terminated|connection error|not queryable|client has encountered|timeout/i.test(error.message);
}
