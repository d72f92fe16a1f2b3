import { tenantsOf } from "../../database/batch-tenants.ts";
import type { Database } from "../../database/database.ts";
import { DatabaseUnavailable } from "../../database/database-error.ts";
import type { Log } from "../../platform/log.ts";
import { slicesOf } from "../../platform/slices.ts";
import type { ApplicationKey } from "../../protocol/client-metadata.ts";
import { addHistogram, addValue, type Histogram } from "../../protocol/histogram.ts";
import { splitScope } from "../../protocol/scope.ts";
import { addTokenUsage, dayOf, USAGE_ROWS_A_STATEMENT_MAX, type UsageRow } from "./queries.ts";

/** What one node has counted is in the database after this time, and a node that is killed loses so much. */
const WRITE_EVERY_MS = 10_000;
/** Applications and days that are counted between two writes. What is beyond is not counted, and how much that is is logged. */
const APPLICATIONS_MAX = 10_000;
/** Sets of scopes of an application that are told apart between two writes; further ones count for all its tokens alone. */
const SCOPE_SETS_MAX = 32;
/** A token of more scopes counts for all tokens alone: it tells one scope from another in nothing, and would write a row for each. */
const SCOPES_MAX = 20;
/** Rows that wait to be written, while the database is away. */
const ROWS_MAX = 20_000;

/** A token as far as it is counted; instants in seconds of tenant time. */
export interface CountedToken extends ApplicationKey {
  readonly scope: string;
  readonly issuedAt: number;
  /** set where the token is not valid before a later instant than that of its issue */
  readonly notBefore?: number | undefined;
}

/** Counts how long tokens are granted and how old they are when they are used, in memory: a request waits for nothing. */
export interface TokenUsageRecorder {
  issued(token: CountedToken & { readonly expiresAt: number }): void;
  /** A live token was accepted at this second of tenant time. */
  used(token: CountedToken, now: number): void;
  /** Resolves when what was counted before is written, or waits for a database that is away. */
  flush(): Promise<void>;
}

interface Counted {
  readonly granted: Histogram;
  readonly ages: Histogram;
}

type WaitingRow = UsageRow & Counted;

/** What was counted of an application on a day, by the text of the tokens' scopes: they are taken apart when it is written. */
interface Pending {
  readonly key: ApplicationKey;
  readonly day: number;
  readonly byScopes: Map<string, Counted>;
}

type Parts = { readonly database: Database; readonly log: Log };

/** A recorder of this node; what it has counted is added to what others have. */
export function createTokenUsageRecorder(parts: Parts): TokenUsageRecorder {
  const pending = createPendingCounts();
  const rows = new Map<string, WaitingRow>();
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const { counted, dropped } = pending.take();
    const lost = dropped + foldInto(rows, counted) + (await writeRows(parts, rows));
    if (lost > 0) parts.log.warn({ lost }, "some uses of tokens were not counted");
    if (rows.size > 0) writeLater();
  }

  function flush(): Promise<void> {
    writing = writing.then(write);
    return writing;
  }

  function writeLater(): void {
    timer ??= setTimeout(flush, WRITE_EVERY_MS);
  }

  return {
    flush,
    issued: (token) => {
      const { granted } = pending.of(token, token.issuedAt);
      addValue(granted, Math.max(0, token.expiresAt - startOf(token)));
      writeLater();
    },
    used: (token, now) => {
      const { ages } = pending.of(token, now);
      addValue(ages, Math.max(0, now - startOf(token)));
      writeLater();
    },
  };
}

function startOf({ issuedAt, notBefore }: CountedToken): number {
  return Math.max(issuedAt, notBefore ?? issuedAt);
}

interface PendingCounts {
  /** where a token is counted; beyond the limits, where nobody looks */
  of(token: CountedToken, now: number): Counted;
  take(): { readonly counted: readonly Pending[]; readonly dropped: number };
}

function createPendingCounts(): PendingCounts {
  let byApplication = new Map<string, Pending[]>();
  let [size, dropped] = [0, 0];

  // Two tenants may call an application by one id, and a day may end meanwhile.
  function find({ tenantId, realmId, applicationId }: CountedToken, day: number): Pending | undefined {
    let all = byApplication.get(applicationId);
    if (all !== undefined) {
      for (const one of all)
        if (one.day === day && one.key.tenantId === tenantId && one.key.realmId === realmId) return one;
    }
    if (size >= APPLICATIONS_MAX) return undefined;
    size += 1;
    const made: Pending = { key: { tenantId, realmId, applicationId }, day, byScopes: new Map() };
    all ??= [];
    all.push(made);
    byApplication.set(applicationId, all);
    return made;
  }

  return {
    of: (token, now) => {
      const found = find(token, dayOf(now));
      if (found !== undefined) return countedOf(found.byScopes, token.scope);
      dropped += 1;
      return { granted: new Map(), ages: new Map() };
    },
    take: () => {
      const taken = { counted: [...byApplication.values()].flat(), dropped };
      byApplication = new Map();
      [size, dropped] = [0, 0];
      return taken;
    },
  };
}

function countedOf(byScopes: Pending["byScopes"], scope: string): Counted {
  const known = byScopes.get(scope);
  if (known !== undefined) return known;
  if (byScopes.size >= SCOPE_SETS_MAX && scope !== "") return countedOf(byScopes, "");
  const made = { granted: new Map(), ages: new Map() };
  byScopes.set(scope, made);
  return made;
}

/** Adds what was counted to the rows that wait, of all tokens and of each scope. Returns how much of it was too much. */
function foldInto(rows: Map<string, WaitingRow>, pending: readonly Pending[]): number {
  let lost = 0;
  for (const { key, day, byScopes } of pending) {
    for (const [text, counted] of byScopes) {
      for (const scope of ["", ...scopesOf(text)]) {
        const row = rowOf(rows, { ...key, day, scope });
        if (row === undefined) lost += 1;
        else for (const kind of ["granted", "ages"] as const) addHistogram(row[kind], counted[kind]);
      }
    }
  }
  return lost;
}

function scopesOf(text: string): readonly string[] {
  const scopes = splitScope(text);
  return scopes.length > SCOPES_MAX ? [] : scopes;
}

function rowOf(rows: Map<string, WaitingRow>, place: Omit<UsageRow, keyof Counted>): WaitingRow | undefined {
  const name = `${place.tenantId} ${place.realmId} ${place.applicationId} ${place.day} ${place.scope}`;
  const known = rows.get(name);
  if (known !== undefined || rows.size >= ROWS_MAX) return known;
  const made = { ...place, granted: new Map(), ages: new Map() };
  rows.set(name, made);
  return made;
}

/** Writes rows and takes them away; those stay that the database was not there for. Returns how many are lost. */
async function writeRows({ database, log }: Parts, rows: Map<string, WaitingRow>): Promise<number> {
  let lost = 0;
  for (const some of slicesOf([...rows], USAGE_ROWS_A_STATEMENT_MAX)) {
    const batch = some.map(([, row]) => row);
    try {
      await addTokenUsage(database.tenants(tenantsOf(batch)), batch);
    } catch (error) {
      // What may be there already is not written twice.
      if (error instanceof DatabaseUnavailable && !error.mayHaveCommitted) return lost;
      lost += batch.length;
      log.warn({ err: error }, "uses of tokens could not be written");
    }
    for (const [name] of some) rows.delete(name);
  }
  return lost;
}
