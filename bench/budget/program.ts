/** Measures what each feature costs a request: plan (plan.ts) on standard input, costs as one JSON line. */
import { text } from "node:stream/consumers";
import { databaseCosts } from "./database-costs.ts";
import { parseBudgetPlan } from "./plan.ts";
import { requestCosts } from "./request-costs.ts";

const plan = parseBudgetPlan(await text(process.stdin));
const costs = [...(await databaseCosts(plan)), ...(await requestCosts(plan))];
process.stdout.write(`${JSON.stringify(costs)}\n`, () => process.exit(0));
