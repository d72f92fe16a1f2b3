import type { CustomBenchmark, Row } from "../benchmark.ts";
import { withOwner } from "../crowd/rows.ts";
import { requestText, sendForObject } from "../http-request.ts";
import { type RunningMayfly, startMayfly } from "../mayfly-server.ts";
import { describePlaces, measureInTurn, type Place, type PlacedRequest } from "../places.ts";
import { type Load, type RunContext, type RunSettings, sideContext, waitForRest } from "../run-context.ts";
import { makeTenant } from "../tenancies/make-tenant.ts";

const TENANTS_FULL = 1_000;
const TENANTS = 100;
const MADE_AT_ONCE = 4;
const RATE_RATIO_MIN = 0.85;
/** Of pages, which are heavy: more would only wait. */
const LIST_CONNECTIONS = 16;
/** What a realm's lists are called; each is asked for its first page. */
const LISTS = [
  "identities",
  "groups",
  "resource-servers",
  "applications",
  "authenticator-configs",
  "identities/-/credentials",
  "events",
];

type TenantPlace = Place & { server: RunningMayfly; bearer: string };

/** One tenant alone in its database, and among a thousand that were made through the API (issue 4): tokens, and every first page. */
export const tenancies: CustomBenchmark = {
  name: "tenancies",
  isHeavy: true,
  steps: (settings) => 1 + REQUESTS.length * 2 * settings.rounds,
  async run(context) {
    const alone = await startPlace("alone", context);
    try {
      const crowded = await startPlace("crowded", context);
      try {
        context.progress.step(`tenancies: ${tenantsOf(context.settings)} tenants by the API`);
        await makeTenants(crowded.server, tenantsOf(context.settings) - 1, context);
        return await compare(alone, crowded, context);
      } finally {
        await crowded.server.stop();
      }
    } finally {
      await alone.server.stop();
    }
  },
};

function tenantsOf({ isFull }: RunSettings): number {
  return isFull ? TENANTS_FULL : TENANTS;
}

async function startPlace(label: string, context: RunContext): Promise<TenantPlace> {
  const server = await startMayfly(sideContext(context, label));
  const bearer = String((await sendForObject(server.manage(), server.port)).access_token);
  return { label, server, bearer };
}

async function makeTenants(server: RunningMayfly, count: number, { signal }: RunContext): Promise<void> {
  let left = count;
  const make = async (): Promise<void> => {
    for (; left > 0; ) {
      left -= 1;
      signal.throwIfAborted();
      await makeTenant(server);
    }
  };
  await Promise.all(Array.from({ length: MADE_AT_ONCE }, make));
  // What autovacuum would do in the hours in which so many tenants come.
  await withOwner(server.database.superuserUrl, (session) => session.query("VACUUM (ANALYZE)"));
}

async function compare(small: TenantPlace, large: TenantPlace, context: RunContext): Promise<Row[]> {
  await waitForRest(context);
  const rows: Row[] = [];
  for (const request of REQUESTS) {
    const results = await measureInTurn(request, { benchmark: "tenancies", small, large }, context);
    const label = `${request.name}, among ${tenantsOf(context.settings).toLocaleString("en-US")} tenants`;
    rows.push(describePlaces(results, { label, small: "alone", target: { atLeast: RATE_RATIO_MIN } }));
  }
  return rows;
}

const REQUESTS: PlacedRequest<TenantPlace>[] = [
  { name: "first pages of every list", prepare: prepareLists },
  {
    name: "opaque token",
    prepare: async ({ server }) => ({
      source: { kind: "cycle", requests: [requestText(server.issue("opaque"), server.port)] },
      expectedText: '"access_token":"',
    }),
  },
];

async function prepareLists({ server, bearer }: TenantPlace): Promise<Load> {
  const { realmId, resourceServerId } = server.login;
  const tenant = `/v1/tenants/${server.tenantId}`;
  const realm = `${tenant}/realms/${realmId}`;
  const lists = [...LISTS, `resource-servers/${resourceServerId}/roles`].map((list) => `${realm}/${list}`);
  const paths = [`${tenant}/realms`, ...lists];
  const requests = paths.map((path) => requestText({ path, bearer }, server.port));
  return { source: { kind: "cycle", requests }, expectedText: '"total_size":', connections: LIST_CONNECTIONS };
}
