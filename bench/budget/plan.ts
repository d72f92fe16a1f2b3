import { type Static, Type } from "typebox";
import { Value } from "typebox/value";

const Application = Type.Object({
  tenantId: Type.String(),
  realmId: Type.String(),
  applicationId: Type.String(),
  resourceServerId: Type.String(),
  identityId: Type.String(),
});

/** What the budget's process measures; JSON on its standard input. */
const BudgetPlanSchema = Type.Object({
  /** the server's own database, and the same one for a superuser, whom row-level security does not bind */
  databaseUrl: Type.String(),
  superuserUrl: Type.String(),
  databasePid: Type.Optional(Type.Integer({ minimum: 1 })),
  /** how many requests shared a statement under load */
  batchSize: Type.Integer({ minimum: 1, maximum: 64 }),
  application: Application,
  /** the application that people log in to */
  login: Application,
  /** measured for each line and round */
  seconds: Type.Number({ minimum: 0.1, maximum: 60 }),
  rounds: Type.Integer({ minimum: 1, maximum: 101 }),
});
export type BudgetPlan = Static<typeof BudgetPlanSchema>;

/** What one feature costs a request. */
const CostSchema = Type.Object({
  feature: Type.String(),
  /** microseconds of the server's own process */
  server: Type.Number(),
  /** microseconds of PostgreSQL; absent where it cannot be read */
  database: Type.Optional(Type.Number()),
  means: Type.String(),
  /** whether the token request that is measured as a whole pays it */
  isPaid: Type.Boolean(),
});
export type Cost = Omit<Static<typeof CostSchema>, "database"> & { database?: number | undefined };

/** Reads a plan from text; throws when it is not one. */
export function parseBudgetPlan(text: string): BudgetPlan {
  return Value.Parse(BudgetPlanSchema, JSON.parse(text));
}

/** Reads costs from text; throws when it holds none. */
export function parseCosts(text: string): Cost[] {
  return Value.Parse(Type.Array(CostSchema), JSON.parse(text));
}
