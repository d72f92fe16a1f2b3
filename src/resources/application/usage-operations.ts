import { fieldViolations, ManagementError, notFound } from "../../http/management-error.ts";
import type { ApplicationContext, ApplicationKey } from "../../protocol/client-metadata.ts";
import { type NoRecommendation, USES_MIN } from "../../protocol/right-sizing.ts";
import type { Call } from "../call.ts";
import { reads, type WriteCall, writes } from "../operations.ts";
import { dayOf, readTokenUsage, SECONDS_PER_DAY } from "../token-usage/queries.ts";
import { configuredMaximum, describeUsage, recommendDefault } from "../token-usage/rules.ts";
import {
  AppliedUsage,
  ApplyUsageBody,
  TokenUsageAnswer,
  TokenUsageQuery,
  USAGE_DAYS_DEFAULT,
} from "../token-usage/schema.ts";
import { getChangeable, keyOf, storeChange } from "./found-application.ts";
import { findApplicationContext } from "./queries.ts";

const USAGE = "/v1/tenants/{tenant}/realms/{realm}/applications/{application}/token-usage";
const TAG = "Tokens";

/** How long tokens of an application are granted and used, and one call to make their lifetime fit. */
export const USAGE_OPERATIONS = [
  reads(
    {
      name: "GetTokenUsage",
      method: "GET",
      path: USAGE,
      tag: TAG,
      summary:
        "Shows how long after their issue an application's tokens were used, how long they were granted, and which default lifetime would be enough.",
      scopes: ["tokens:read"],
      query: TokenUsageQuery,
      answer: TokenUsageAnswer,
    },
    async (call) => {
      const key = keyOf(call);
      // What other nodes have counted may be missing for ten seconds; what this one has is not.
      await call.tokenUsage.flush();
      const context = await getContext(call, key);
      const days = call.query.days === undefined ? USAGE_DAYS_DEFAULT : Number(call.query.days);
      const window = windowOf(call, context, days);
      const usage = await readTokenUsage(call.db, key, window);
      const since = window.first * SECONDS_PER_DAY;
      return { value: { application_id: key.applicationId, since, days, ...describeUsage(usage, context) } };
    },
  ),
  writes(
    {
      name: "ApplyTokenUsage",
      method: "POST",
      path: `${USAGE}:apply`,
      tag: TAG,
      summary:
        "Makes the recommended lifetime, or the one that is given, the default of an application's tokens; its ceiling stays.",
      scopes: ["applications:update"],
      body: ApplyUsageBody,
      answer: AppliedUsage,
      isVersioned: true,
      refusals: ["conflict"],
      event: { type: "ApplicationOperation", resource: "Application", action: "UPDATE" },
    },
    async (call) => {
      const changeable = await getChangeable(call);
      const { key, settings: before, version } = changeable.application;
      const seconds = await chooseDefault(call, key);
      const body = { protocol_config: { token_configuration: { default_expires_after: seconds } } };
      await storeChange(call, changeable, body);
      const previous = before.protocol_config.token_configuration.default_expires_after;
      const basis = call.body.default_expires_after === undefined ? ("recommendation" as const) : ("given" as const);
      const change = {
        default_expires_after: seconds,
        ...(previous === undefined ? {} : { previous_default_expires_after: previous }),
        basis,
      };
      const about = { id: key.applicationId, facts: { changed: ["protocol_config"], ...change } };
      return { value: { application_id: key.applicationId, ...change }, version: version + 1, about };
    },
  ),
] as const;

type ApplyCall = WriteCall<unknown, { readonly default_expires_after?: number; readonly days?: number }>;

/** The default lifetime to be set. Throws 400 for one above a ceiling and 409 where none is recommended. */
async function chooseDefault(call: ApplyCall, key: ApplicationKey): Promise<number> {
  const context = await getContext(call, key);
  const { default_expires_after: given, days = USAGE_DAYS_DEFAULT } = call.body;
  if (given === undefined) {
    const usage = await readTokenUsage(call.db, key, windowOf(call, context, days));
    const recommendation = recommendDefault(usage, context);
    if (recommendation.seconds !== undefined) return recommendation.seconds;
    throw new ManagementError("conflict", REFUSALS[recommendation.reason]);
  }
  const maximum = configuredMaximum(context, []);
  if (given <= maximum) return given;
  const description = `is above the ceiling of ${maximum} seconds`;
  throw fieldViolations([{ field: "default_expires_after", description }]);
}

const REFUSALS: Readonly<Record<NoRecommendation, string>> = {
  too_few_uses: `nothing is recommended: fewer than ${USES_MIN} uses of tokens were seen`,
  nothing_shorter: "nothing is recommended: no shorter default lifetime would be enough for the uses that were seen",
};

async function getContext({ db }: Call<unknown, unknown>, key: ApplicationKey): Promise<ApplicationContext> {
  const context = await findApplicationContext(db, key);
  if (context === undefined) throw notFound("Application", key.applicationId);
  return context;
}

/** Today and the days before, of tenant time. */
function windowOf({ deps }: Call<unknown, unknown>, { tenant }: ApplicationContext, days: number) {
  const last = dayOf(deps.clock.nowSeconds() + tenant.clockOffsetSeconds);
  return { first: last - days + 1, last };
}
