import { createBatcher } from "../database/batch.ts";
import type { Database, Queryable } from "../database/database.ts";
import { type BatchMeter, createBatchMeter } from "../database/meter.ts";
import { insertWithPartitions } from "../database/partitions.ts";
import { bucketOf } from "../database/row-id.ts";
import type { Deps } from "../deps.ts";
import { createRevocationMeter } from "../http/revocation-meter.ts";
import type { KeyStore } from "../keys/key-store.ts";
import type { ApplicationKey } from "../protocol/client-metadata.ts";
import { type LiveClient, readClients } from "../resources/application/queries.ts";
import type { DecisionRecorder } from "../resources/decision/recorder.ts";
import { type GrantFacts, type GrantKey, readGrants } from "../resources/grant/queries.ts";
import type { LiveCountRecorder } from "../resources/live-count/recorder.ts";
import { insertRevocations, type Revocation } from "../resources/revocation/queries.ts";
import {
  type Issue,
  insertTokens,
  readTokens,
  type TokenFacts,
  type TokenKey,
  writeIssues,
} from "../resources/token/queries.ts";
import { type ContextCache, createContextCache } from "./context-cache.ts";
import { createRealmDirectory, type RealmDirectory } from "./realm-directory.ts";
import { createTenantClasses, type TenantClasses } from "./tenant-classes.ts";
import { createTokenMeter, type TokenMeter } from "./token-meter.ts";

/** What the endpoints share: kept configuration, and look-ups and writes that travel in batches. */
export interface Services {
  readonly deps: Deps;
  readonly contexts: ContextCache;
  readonly directory: RealmDirectory;
  readonly tenantClasses: TenantClasses;
  readonly tokenMeter: TokenMeter;
  readonly keys: KeyStore;
  readonly decisions: DecisionRecorder;
  readonly liveTokens: LiveCountRecorder;
  /** Strict: what the database says at this moment (rule 7). */
  readonly readClient: (key: ApplicationKey) => Promise<LiveClient | undefined>;
  readonly readGrant: (key: GrantKey) => Promise<GrantFacts | undefined>;
  readonly readToken: (key: TokenKey) => Promise<TokenFacts | undefined>;
  /** Spends and records; false when the grant has moved on since it was read. Resolved means durable. */
  readonly writeIssue: (issue: Issue) => Promise<boolean>;
  /** Resolved means that no node answers active any more. */
  readonly revoke: (revocation: Revocation) => Promise<void>;
}

/** What requests leave behind for their node to write in groups. */
export type Recorders = Pick<Services, "decisions" | "liveTokens">;

/** Wires the batches over the database. */
export function createServices(deps: Deps, keys: KeyStore, recorders: Recorders): Services {
  const { database } = deps;
  const tenantClasses = createTenantClasses();
  const meter = (batch: string) => createBatchMeter(deps.metrics, batch);
  const spend = createBatcher({
    run: (batch: readonly Issue[]) => writeWithPartitions(database, batch, writeIssues),
    meter: meter("spend"),
  });
  const insert = createBatcher({
    run: (batch: readonly Issue[]) => writeWithPartitions(database, batch, recordIssues),
    meter: meter("insert"),
  });
  return {
    deps,
    keys,
    ...recorders,
    tenantClasses,
    tokenMeter: createTokenMeter(deps.metrics),
    contexts: createContextCache(deps, tenantClasses),
    directory: createRealmDirectory(deps, tenantClasses),
    readClient: createBatcher({
      run: (batch) => readClients(database.tenants(tenantsOf(batch)), batch),
      meter: meter("client"),
    }),
    readGrant: createBatcher({
      run: (batch) => readGrants(database.tenants(tenantsOf(batch)), batch),
      meter: meter("grant"),
    }),
    readToken: createBatcher({
      run: (batch) => readTokens(database.tenants(tenantsOf(batch)), batch),
      meter: meter("token"),
    }),
    writeIssue: (issue) => (issue.token.grantId === undefined ? insert(issue) : spend(issue)),
    revoke: createRevoke(deps, recorders.liveTokens, meter("revoke")),
  };
}

function createRevoke(deps: Deps, liveTokens: LiveCountRecorder, meter: BatchMeter): Services["revoke"] {
  const observeDelay = createRevocationMeter(deps);
  const write = createBatcher({
    run: async (batch: readonly Revocation[]) => {
      liveTokens.remove(await insertRevocations(deps.database, batch));
      return batch.map(() => undefined);
    },
    meter,
  });
  return async (revocation) => {
    await write(revocation);
    observeDelay(revocation.traceId);
  };
}

function tenantsOf(batch: readonly { readonly tenantId: string }[]): string[] {
  return [...new Set(batch.map((item) => item.tenantId))];
}

function writeWithPartitions(
  database: Database,
  batch: readonly Issue[],
  write: typeof writeIssues,
): Promise<readonly boolean[]> {
  const db = database.tenants(tenantsOf(batch.map((issue) => issue.token)));
  const buckets = batch.map((issue) => bucketOf(issue.token.id));
  return insertWithPartitions(database, "tokens", buckets, () => write(db, batch));
}

async function recordIssues(db: Queryable, batch: readonly Issue[]): Promise<readonly boolean[]> {
  await insertTokens(db, batch);
  return batch.map(() => true);
}
