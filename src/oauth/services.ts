import { createBatcher } from "../database/batch.ts";
import { tenantsOf } from "../database/batch-tenants.ts";
import type { Database } from "../database/database.ts";
import { type BatchMeter, createBatchMeter } from "../database/meter.ts";
import { insertWithPartitions } from "../database/partitions.ts";
import { bucketOf } from "../database/row-id.ts";
import type { Deps } from "../deps.ts";
import { createLoginLimiter, type LoginLimiter } from "../http/login-limit.ts";
import { createRevocationMeter } from "../http/revocation-meter.ts";
import type { KeyStore } from "../keys/key-store.ts";
import type { ApplicationKey } from "../protocol/client-metadata.ts";
import { type LiveClient, readClients } from "../resources/application/queries.ts";
import type { DecisionRecorder } from "../resources/decision/recorder.ts";
import { type GrantFacts, type GrantKey, readGrants } from "../resources/grant/queries.ts";
import type { LiveCountRecorder } from "../resources/live-count/recorder.ts";
import { takeLoginAllowance } from "../resources/login-allowance/queries.ts";
import { endsFamily, type Revocation, revokeAs, revokeGrants, revokeTokens } from "../resources/revocation/queries.ts";
import { type Shortening, shorten } from "../resources/shortening/queries.ts";
import { readTokens, type TokenKey, type TokenLookUp, type TokenReading } from "../resources/token/queries.ts";
import { type Issue, insertTokens, writeIssues } from "../resources/token-issue/queries.ts";
import type { TokenUsageRecorder } from "../resources/token-usage/recorder.ts";
import { awaitUses, takeUses } from "../resources/token-use/queries.ts";
import { type ContextCache, createContextCache } from "./context-cache.ts";
import type { FeedHub } from "./feed/feed-hub.ts";
import { createRealmDirectory, type RealmDirectory } from "./realm-directory.ts";
import { createStatusPlaces, type StatusPlaces } from "./status-places.ts";
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
  /** how many logins may be begun in a minute */
  readonly loginLimiter: LoginLimiter;
  readonly liveTokens: LiveCountRecorder;
  readonly tokenUsage: TokenUsageRecorder;
  /** who is told of tokens that end */
  readonly feeds: FeedHub;
  /** hands out places in status lists */
  readonly placeStatus: StatusPlaces;
  /** The key of a tenant's refresh tokens, opened once for as long as the sealed one is kept. */
  readonly openRefreshKey: (tenantId: string, sealed: Uint8Array) => Uint8Array;
  /** Strict: what the database says at this moment (rule 7). */
  readonly readClient: (key: ApplicationKey) => Promise<LiveClient | undefined>;
  readonly readGrant: (key: GrantKey) => Promise<GrantFacts | undefined>;
  readonly readToken: (asked: TokenLookUp) => Promise<TokenReading>;
  /** Takes one use of a token that is bounded by uses; false when none was left (rule 17). */
  readonly takeUse: (key: TokenKey) => Promise<boolean>;
  /** Spends and records; false when the grant or the configuration has moved on since it was read. Resolved means durable. */
  readonly writeIssue: (issue: Issue) => Promise<boolean>;
  /** Gives a token or a grant an earlier end; resolved means that it holds on every node. */
  readonly shorten: (shortening: Shortening) => Promise<void>;
  /** Resolved means that no node answers active any more. */
  readonly revoke: (revocation: Revocation) => Promise<void>;
}

/** What requests leave behind for their node to write in groups, or stay connected to. */
export type Recorders = Pick<Services, "decisions" | "liveTokens" | "tokenUsage" | "feeds">;

/** Wires the batches over the database. */
export function createServices(deps: Deps, keys: KeyStore, recorders: Recorders): Services {
  const { database } = deps;
  const tenantClasses = createTenantClasses();
  const meter = (batch: string) => createBatchMeter(deps, batch);
  const spend = createBatcher({
    run: (batch: readonly Issue[], isRepeat) =>
      isRepeat ? writeAgain(database, batch) : writeWithPartitions(database, batch, writeIssues),
    meter: meter("spend"),
  });
  const insert = createBatcher({
    run: (batch: readonly Issue[], isRepeat) =>
      isRepeat ? writeAgain(database, batch) : writeWithPartitions(database, batch, insertTokens),
    meter: meter("insert"),
  });
  return {
    deps,
    keys,
    ...recorders,
    tenantClasses,
    placeStatus: createStatusPlaces(deps),
    loginLimiter: createLoginLimiter({
      clock: deps.clock,
      lease: ({ realm, ...counted }, part) =>
        takeLoginAllowance(database.tenants([realm.tenantId]), realm, { ...counted, ...part }),
    }),
    tokenMeter: createTokenMeter(deps.metrics),
    openRefreshKey: createRefreshKeyOpener(deps),
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
    takeUse: createBatcher({
      run: (batch) => takeUses(database.tenants(tenantsOf(batch)), batch),
      meter: meter("use"),
    }),
    writeIssue: (issue) => (isPlain(issue) ? insert(issue) : spend(issue)),
    shorten: (shortening) => shorten(database, shortening),
    revoke: createRevoke(deps, recorders.liveTokens, meter),
  };
}

function createRevoke(
  deps: Deps,
  liveTokens: LiveCountRecorder,
  meter: (batch: string) => BatchMeter,
): Services["revoke"] {
  const observeDelay = createRevocationMeter(deps);
  const batched = (name: string, revoke: typeof revokeTokens) =>
    createBatcher({
      run: async (batch: readonly Revocation[]) => {
        liveTokens.remove(await revokeAs(deps.database, batch, revoke));
        return batch.map(() => undefined);
      },
      meter: meter(name),
    });
  const endToken = batched("revoke", revokeTokens);
  const endFamily = batched("revoke_family", revokeGrants);
  return async (revocation) => {
    await (endsFamily(revocation) ? endFamily : endToken)(revocation);
    observeDelay(revocation.traceId);
  };
}

function createRefreshKeyOpener({ sealer }: Deps): Services["openRefreshKey"] {
  const opened = new WeakMap<Uint8Array, Uint8Array>();
  return (tenantId, sealed) => {
    const key = opened.get(sealed) ?? sealer.open(sealed, ["refresh-key", tenantId]);
    opened.set(sealed, key);
    return key;
  };
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

// What is sent again may be there already, and the general statement recognises it. It may also be just about to be: then the statement
// waited for the first one's commit, and still judged by how things were before. Asked once more, it sees its own rows. Uses would be
// moved twice by then, so that it waits for those beforehand.
async function writeAgain(database: Database, batch: readonly Issue[]): Promise<readonly boolean[]> {
  const parents = batch.flatMap(({ token, movedUses }) => (movedUses ? [{ ...token, id: movedUses.tokenId }] : []));
  if (parents.length > 0) await awaitUses(database.tenants(tenantsOf(parents)), parents);
  const won = await writeWithPartitions(database, batch, writeIssues);
  return won.includes(false) ? writeWithPartitions(database, batch, writeIssues) : won;
}

// Neither descends from anything, nor lengthens the life of a key, nor is bounded by more than its end: nearly every token that a client
// asks for itself.
function isPlain({ token, keyExpiries }: Issue): boolean {
  const isRoot = token.grantId === undefined && (token.ancestors ?? []).length === 0;
  const isUnbounded = token.notBefore === undefined && token.usesLeft === undefined;
  return isRoot && keyExpiries.length === 0 && isUnbounded && token.status === undefined;
}
