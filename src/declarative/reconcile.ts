import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Environment } from "../config.ts";
import type { Queryable } from "../database/database.ts";
import { DatabaseUnavailable, isConflict, isLockTimeout, readQuotaReached } from "../database/database-error.ts";
import type { Deps } from "../deps.ts";
import { newTraceId } from "../http/trace-id.ts";
import type { EventSource } from "../resources/event-source.ts";
import { transactionWithEvents } from "../resources/event-transaction.ts";
import { holdRealms } from "../resources/realm/queries.ts";
import { findTenant, holdTenant } from "../resources/tenant/queries.ts";
import { recordChanges } from "./change-events.ts";
import {
  DeclarativeError,
  type DeclarativeFile,
  PART_OBJECTS_MAX,
  parseDeclarativeFile,
  parseDeclaredTenant,
} from "./file.ts";
import type { DeclaredTenant } from "./file-schema.ts";
import { type Lease, withLease } from "./lease.ts";
import { readNamedFile } from "./named-file.ts";
import { planTenant } from "./plan.ts";
import { type Change, formatChange, type Planning, type Step } from "./planning.ts";
import { type ResolvedSecrets, resolveSecrets, type SecretPlaces } from "./secrets.ts";

/** A start tries so often to have the locks of a tenant: all in all shorter than a lease. */
const LOCK_ATTEMPTS_MAX = 5;

/** A file that was read and whose secrets were found. */
interface Declaration {
  readonly file: DeclarativeFile;
  readonly secrets: ResolvedSecrets;
}

/**
 * Tenants that the file does not fit, as they have become: they were left as they are, and the others are what the file says.
 * Whoever changes objects in one tenant must not keep a node from starting for all.
 */
export class TenantsLeft extends DeclarativeError {
  /** what was changed in the other tenants, a line for each object */
  readonly changes: readonly string[];
  /** names the places and rules of each tenant that was left */
  readonly left: ReadonlyMap<string, DeclarativeError>;

  constructor(file: DeclarativeFile, left: ReadonlyMap<string, DeclarativeError>, changes: readonly string[]) {
    super(
      file,
      [...left.values()].flatMap(({ problems }) => problems),
    );
    this.name = "TenantsLeft";
    this.left = left;
    this.changes = changes;
  }
}

/**
 * Makes the database what the declarative file says (settled 14): all tenants are checked first, then each is changed in one
 * transaction, by one node at a time. A file that says what is already so changes nothing. A tenant that is there and that the file
 * does not fit is left as it is; one that the file would make stops everything.
 *
 * @param environment what `{env: NAME}` reads
 * @returns what was changed, a line for each object, without secrets
 * @throws TenantsLeft when all others are done
 * @throws DeclarativeError naming line, path and rule of all that is wrong
 */
export function reconcileFile(deps: Deps, path: string, environment: Environment): Promise<string[]> {
  return withLease(deps, "declarative", async (lease) => {
    const declaration = await readDeclaration(path, environment);
    const left = await findUnfit(deps, declaration);
    const changes: string[] = [];
    for (const [position, tenant] of declaration.file.content.tenants.entries()) {
      if (left.has(tenant.id)) continue;
      try {
        changes.push(...(await insist(() => applyTenant(deps, lease, declaration, { position, tenant }))));
      } catch (error) {
        if (!(error instanceof DeclarativeError)) throw error;
        left.set(tenant.id, error);
      }
    }
    if (left.size > 0) throw new TenantsLeft(declaration.file, left, changes);
    return changes;
  });
}

/**
 * Says what reconcileFile would change, and changes nothing.
 *
 * @returns a line for each object, without secrets
 * @throws DeclarativeError naming line, path and rule of all that is wrong
 */
export async function planFile(deps: Deps, path: string, environment: Environment): Promise<string[]> {
  const steps = await planAll(deps, await readDeclaration(path, environment));
  return steps.map((step) => formatChange(step.change));
}

/** One tenant's part of a declarative file, as a request brings it. */
export interface SentTenant {
  /** the tenant that it must be about */
  readonly tenantId: string;
  /** YAML or JSON */
  readonly text: string;
  /** whether only to say what would change */
  readonly isDryRun: boolean;
  readonly source: EventSource;
}

/**
 * Makes a tenant what its part of a declarative file says, as a start does with the whole file, in one transaction. Whoever writes into
 * a realm of the tenant meanwhile is waited for, or waits: nobody's change is lost.
 *
 * @returns what was changed, or would be
 * @throws DeclarativeError naming place and rule of all that is wrong
 */
export async function reconcileTenant(
  deps: Deps,
  { tenantId, text, isDryRun, source }: SentTenant,
): Promise<readonly Change[]> {
  const file = parseDeclaredTenant("the body", text);
  const [tenant] = file.content.tenants;
  if (tenant?.id !== tenantId) {
    throw new DeclarativeError(file, [{ path: ["tenants", 0, "id"], rule: "is not the tenant of the path" }]);
  }
  const declaration = await withSecrets(file, undefined);
  const place = { position: 0, tenant };
  const work = async (db: Queryable): Promise<readonly Change[]> => {
    if (!isDryRun) await holdAll(db, tenantId);
    const steps = await planSteps(deps, db, declaration, place);
    refuseLongDeletion(file, steps);
    if (isDryRun) return steps.map((step) => step.change);
    for (const step of steps) await write(db, file, step);
    await recordChanges(db, tenantId, steps, source);
    return steps.map((step) => step.change);
  };
  return transactionWithEvents(deps, tenantId, work, { isSnapshot: isDryRun });
}

function refuseLongDeletion(file: DeclarativeFile, steps: readonly Step[]): void {
  const deleted = steps.filter(({ change }) => change.action === "delete");
  if (deleted.length <= PART_OBJECTS_MAX) return;
  const rule = `would delete over ${PART_OBJECTS_MAX} objects: delete some of them first`;
  throw new DeclarativeError(file, [{ path: ["tenants", 0, "prune"], rule }]);
}

async function readDeclaration(path: string, environment: Environment): Promise<Declaration> {
  const readText = (name: string) => readFile(name, "utf8");
  const file = parseDeclarativeFile(path, await readNamedFile("MAYFLY_CONFIG", path));
  refuseRepeatedTenants(file);
  return withSecrets(file, { environment, directory: dirname(path), readText });
}

async function withSecrets(file: DeclarativeFile, places: SecretPlaces | undefined): Promise<Declaration> {
  const secrets = await resolveSecrets(file.content, places);
  if (secrets.problems.length > 0) throw new DeclarativeError(file, secrets.problems);
  return { file, secrets };
}

function refuseRepeatedTenants(file: DeclarativeFile): void {
  const ids = file.content.tenants.map((tenant) => tenant.id);
  const problems = ids.flatMap((id, position) => {
    const first = ids.indexOf(id);
    return first === position
      ? []
      : [{ path: ["tenants", position, "id"], rule: `is the same tenant as element ${first}` }];
  });
  if (problems.length > 0) throw new DeclarativeError(file, problems);
}

async function planAll(deps: Deps, declaration: Declaration): Promise<Step[]> {
  const plannings: Planning[] = [];
  for (const [position, tenant] of declaration.file.content.tenants.entries()) {
    plannings.push(
      await deps.database.transaction([tenant.id], (db) => planOne(deps, db, declaration, { position, tenant })),
    );
  }
  const problems = plannings.flatMap((planning) => planning.problems);
  if (problems.length > 0) throw new DeclarativeError(declaration.file, problems);
  return plannings.flatMap((planning) => [...planning.deletions, ...planning.steps]);
}

// A tenant that is not there yet nobody can have changed: what is wrong with it is the file's own.
async function findUnfit(deps: Deps, declaration: Declaration): Promise<Map<string, DeclarativeError>> {
  const { file } = declaration;
  const left = new Map<string, DeclarativeError>();
  for (const [position, tenant] of file.content.tenants.entries()) {
    const place = { position, tenant };
    const { problems } = await deps.database.transaction([tenant.id], (db) => planOne(deps, db, declaration, place));
    if (problems.length === 0) continue;
    const error = new DeclarativeError(file, problems);
    if ((await findTenant(deps.database.tenants([tenant.id]), tenant.id)) === undefined) throw error;
    left.set(tenant.id, error);
  }
  return left;
}

interface Position {
  readonly position: number;
  readonly tenant: DeclaredTenant;
}

async function planOne(
  deps: Deps,
  db: Queryable,
  { secrets }: Declaration,
  { position, tenant }: Position,
): Promise<Planning> {
  const found = { deletions: [], steps: [], problems: [] };
  const planning = { deps, db, nowMs: deps.clock.nowMs(), secrets, isPruned: tenant.prune === true, ...found };
  await planTenant(planning, ["tenants", position], tenant);
  return planning;
}

// Whoever writes into a tenant all the time must not keep a node from starting: it waits for the locks again.
async function insist<T>(work: () => Promise<T>): Promise<T> {
  for (let left = LOCK_ATTEMPTS_MAX - 1; ; left -= 1) {
    try {
      return await work();
    } catch (error) {
      const isLocked = error instanceof DatabaseUnavailable && isLockTimeout(error.cause);
      if (!isLocked || left === 0) throw error;
    }
  }
}

// The plan is made anew inside the transaction: what was read before it may have changed.
function applyTenant(deps: Deps, lease: Lease, declaration: Declaration, place: Position): Promise<string[]> {
  return transactionWithEvents(deps, place.tenant.id, async (db) => {
    await lease.keep(db);
    await holdAll(db, place.tenant.id);
    const steps = await planSteps(deps, db, declaration, place);
    for (const step of steps) await write(db, declaration.file, step);
    const actor = { type: "Operator", id: "declarative file" } as const;
    const source = { actor, traceId: newTraceId(deps.clock, deps.random), atMs: deps.clock.nowMs() };
    await recordChanges(db, place.tenant.id, steps, source);
    return steps.map((step) => formatChange(step.change));
  });
}

// The plan merges into what is stored, and writes whole rows. Realms first: whoever writes into one may need the tenant next.
async function holdAll(db: Queryable, tenantId: string): Promise<void> {
  await holdRealms(db, tenantId);
  await holdTenant(db, tenantId);
}

async function planSteps(deps: Deps, db: Queryable, declaration: Declaration, place: Position): Promise<Step[]> {
  const planning = await planOne(deps, db, declaration, place);
  if (planning.problems.length > 0) throw new DeclarativeError(declaration.file, planning.problems);
  return [...planning.deletions, ...planning.steps];
}

async function write(db: Queryable, file: DeclarativeFile, step: Step): Promise<void> {
  try {
    await step.write(db);
  } catch (cause) {
    const quota = readQuotaReached(cause);
    if (quota !== undefined) {
      const reached = `passes the tenant's quota ${quota.quota} of ${quota.limit}`;
      throw new DeclarativeError(file, [{ path: step.path, rule: reached }], { cause });
    }
    if (!isConflict(cause)) throw cause;
    const rule = "its id or name is taken, perhaps by an object that was deleted or is not named here";
    throw new DeclarativeError(file, [{ path: step.path, rule }], { cause });
  }
}
