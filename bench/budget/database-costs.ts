import pg from "pg";
import type { Queryable, Row } from "../../src/database/database.ts";
import { openPostgresql } from "../../src/database/postgresql.ts";
import { newTraceId } from "../../src/http/trace-id.ts";
import { createClock } from "../../src/platform/clock.ts";
import { sha256 } from "../../src/platform/hash.ts";
import { createRandom } from "../../src/platform/random.ts";
import { bucketFor } from "../../src/protocol/bucket.ts";
import { encodeId, ID_KINDS, ID_RANDOM_BYTES } from "../../src/protocol/token-id.ts";
import { type CurrentApplication, findCurrentApplication } from "../../src/resources/application/queries.ts";
import { insertGrant, readGrants } from "../../src/resources/grant/queries.ts";
import { type Issue, insertTokens } from "../../src/resources/token-issue/queries.ts";
import { makeGrant } from "../mayfly-codes.ts";
import { LIFETIME_SECONDS, ledgerOf } from "./lifetime.ts";
import { difference, type Measuring, measure, measureInTurn, sum, type Work } from "./measure.ts";
import type { BudgetPlan, Cost } from "./plan.ts";

/** How src/database/connection.ts sets a connection up, less the role that row-level security binds. */
const SESSION = "SET plan_cache_mode = force_generic_plan; SET enable_hashjoin = off; SET enable_mergejoin = off";
const JWT_LENGTH = 700;

const world = { clock: createClock(), random: createRandom() };

/** Row-level security, the ledger of tokens, and roles. */
export async function databaseCosts(plan: BudgetPlan): Promise<Cost[]> {
  const database = openPostgresql({ url: plan.databaseUrl, poolSize: 2 });
  const superuser = new pg.Pool({ connectionString: plan.superuserUrl, max: 2 });
  superuser.on("connect", (client) => void client.query(SESSION));
  try {
    return await measureAll(plan, database.tenants([plan.application.tenantId]), unbound(superuser));
  } finally {
    await Promise.all([database.close(), superuser.end()]);
  }
}

/** The same statements for a superuser, without a transaction that names the tenant. */
function unbound(pool: pg.Pool): Queryable {
  return {
    run: async ({ name, text }, values) => (await pool.query<Row>({ name, text, values: [...values] })).rows,
  };
}

async function measureAll(plan: BudgetPlan, bound: Queryable, free: Queryable): Promise<Cost[]> {
  const measuring: Measuring = { ...plan, databasePid: plan.databasePid };
  const of =
    <T>(work: Work<T>) =>
    () =>
      measure(work, measuring);
  const recording: Recording = { plan, basis: await readBasis(plan, bound) };
  const [withRoles, withoutRoles] = [await insertGrants(plan, bound, true), await insertGrants(plan, bound, false)];
  const cpu = await measureInTurn(
    {
      boundInsert: of(tokenInsert(recording, bound, ledgerOf)),
      freeInsert: of(tokenInsert(recording, free, ledgerOf)),
      insertWithoutLedger: of(tokenInsert(recording, free, () => ({}))),
      ledger: of(decidedLedgers(plan.batchSize)),
      withRoles: of(grantRead(free, withRoles)),
      withoutRoles: of(grantRead(free, withoutRoles)),
    },
    plan.rounds,
  );
  const batch = `batches of ${plan.batchSize}`;
  return [
    {
      feature: "RLS",
      ...difference(cpu.boundInsert, cpu.freeInsert),
      isPaid: true,
      means: `token insert, in a transaction that names the tenant against a superuser's; ${batch}`,
    },
    {
      feature: "ledger",
      ...sum(cpu.ledger, difference(cpu.freeInsert, cpu.insertWithoutLedger)),
      isPaid: true,
      means: `deciding the lifetime and its record, and a token insert with it against one without; ${batch}`,
    },
    {
      feature: "roles",
      ...difference(cpu.withRoles, cpu.withoutRoles),
      isPaid: false,
      means: `grant look-up with a resource server against without; of refresh and code exchange only; ${batch}`,
    },
    {
      feature: "the token's row without its ledger",
      ...cpu.insertWithoutLedger,
      isPaid: true,
      means: `token insert, by a superuser; ${batch}`,
    },
  ];
}

interface Recording {
  readonly plan: BudgetPlan;
  readonly basis: CurrentApplication;
}

async function readBasis({ application }: BudgetPlan, db: Queryable): Promise<CurrentApplication> {
  const basis = await findCurrentApplication(db, application);
  if (basis === undefined) throw new Error("the benchmark's application is missing");
  return basis;
}

type DecisionOf = (now: number) => Readonly<Record<string, unknown>>;

function decidedLedgers(batchSize: number): Work<undefined> {
  const now = world.clock.nowSeconds();
  return {
    prepare: () => undefined,
    run: () => {
      for (let count = 0; count < batchSize; count += 1) ledgerOf(now);
    },
    calls: batchSize,
  };
}

function tokenInsert(recording: Recording, db: Queryable, decisionOf: DecisionOf): Work<Issue[]> {
  return {
    prepare: () => Array.from({ length: recording.plan.batchSize }, () => newIssue(recording, decisionOf)),
    run: (issues) => insertTokens(db, issues),
    calls: recording.plan.batchSize,
  };
}

/** A token as `issue.ts` records one by client credentials. */
function newIssue({ plan: { application }, basis }: Recording, decisionOf: DecisionOf): Issue {
  const { tenantId, realmId, applicationId, resourceServerId } = application;
  const now = world.clock.nowSeconds();
  const id = encodeId({
    traceId: newTraceId(world.clock, world.random),
    kind: ID_KINDS.access,
    bucket: bucketFor(now, LIFETIME_SECONDS),
    random: world.random.bytes(ID_RANDOM_BYTES),
  });
  const token = {
    tenantId,
    realmId,
    applicationId,
    id,
    resourceServerId,
    sessionId: "",
    transactionId: "",
    keyId: "x".repeat(43),
    tokenHash: sha256(id.padEnd(JWT_LENGTH, ".")),
    tokenSuffix: id.slice(-11),
    grantType: "client_credentials",
    subject: applicationId,
    audience: ["urn:mayfly:bench"],
    scope: "bench:read",
    targetRealm: realmId,
    issuedAt: now,
    expiresAt: now + LIFETIME_SECONDS,
    decision: decisionOf(now),
  };
  return { token, basis, keyExpiries: [] };
}

type GrantKeys = { tenantId: string; realmId: string; id: string }[];

async function insertGrants(plan: BudgetPlan, db: Queryable, hasServer: boolean): Promise<GrantKeys> {
  const keys: GrantKeys = [];
  while (keys.length < plan.batchSize) {
    const { grant } = makeGrant({ tenantId: plan.login.tenantId, application: plan.login }, world);
    await insertGrant(db, hasServer ? grant : { ...grant, resourceServerId: undefined });
    keys.push({ tenantId: grant.tenantId, realmId: grant.realmId, id: grant.id });
  }
  return keys;
}

function grantRead(db: Queryable, keys: GrantKeys): Work<undefined> {
  return { prepare: () => undefined, run: () => readGrants(db, keys), calls: keys.length };
}
