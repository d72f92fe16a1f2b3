import { issueToken } from "../access-token.ts";
import type { CustomBenchmark, Row } from "../benchmark.ts";
import {
  countLayers,
  findToken,
  groupLayers,
  insertLayers,
  makeTenants,
  type Original,
  planLayers,
  withOwner,
} from "../crowd/rows.ts";
import { requestText, sendForObject } from "../http-request.ts";
import { type RunningMayfly, startMayfly } from "../mayfly-server.ts";
import { describePlaces, measureInTurn, type Place, type PlacedRequest, type PlacedResults } from "../places.ts";
import { type RunContext, type RunSettings, sideContext, waitForRest } from "../run-context.ts";

const TOKENS_A_TENANT = 1_000;
const TENANTS_FULL = 10_000;
const TENANTS = 1_000;
const INTROSPECTED = 256;
const RATE_RATIO_MIN = 0.85;
/** Of a page, which is heavy: more would only wait. */
const LIST_CONNECTIONS = 16;

type TenantPlace = Place & { server: RunningMayfly; bearer: string };

/**
 * One tenant with a thousand live tokens, alone in its database and among ten thousand like it (settled 13): ten million rows, by
 * lifetimes of an hour to 140 days. Interleaved rounds, and the ratio of what both answer.
 */
export const crowd: CustomBenchmark = {
  name: "crowd",
  isHeavy: true,
  steps: (settings) => layerGroups(settings).length + REQUESTS.length * 2 * settings.rounds,
  async run(context) {
    const places: TenantPlace[] = [];
    try {
      for (const [label, tenants] of [
        ["alone", 1],
        ["crowded", tenantsOf(context.settings)],
      ] as const) {
        const server = await startMayfly(sideContext(context, label));
        places.push({ label, server, bearer: "" });
        await waitForRest(context); // until the server has made its partitions
        await fill(server, tenants, context);
      }
      for (const place of places)
        place.bearer = String((await sendForObject(place.server.manage(), place.server.port)).access_token);
      await waitForRest(context);
      const [small, large] = places;
      if (small === undefined || large === undefined) throw new Error("there are two places");
      const rows: Row[] = [];
      for (const request of REQUESTS) {
        const results = await measureInTurn(request, { benchmark: "crowd", small, large }, context);
        rows.push(describe(results, context.settings));
      }
      return rows;
    } finally {
      await Promise.all(places.map(({ server }) => server.stop()));
    }
  },
};

function tenantsOf({ isFull }: RunSettings): number {
  return isFull ? TENANTS_FULL : TENANTS;
}

function layerGroups(settings: RunSettings) {
  return groupLayers(planLayers(Math.floor(Date.now() / 1_000), TOKENS_A_TENANT), tenantsOf(settings));
}

async function fill(server: RunningMayfly, tenants: number, context: RunContext): Promise<void> {
  await issueToken(server, "opaque");
  const layers = planLayers(Math.floor(Date.now() / 1_000), TOKENS_A_TENANT);
  await withOwner(server.database.superuserUrl, async (session) => {
    const original = originalOf(server);
    await makeTenants(session, original, tenants);
    const from = await findToken(session, original);
    for (const group of groupLayers(layers, tenants)) {
      context.signal.throwIfAborted();
      if (tenants > 1) context.progress.step(`crowd: ${tenants * TOKENS_A_TENANT} tokens`);
      await insertLayers(session, from, group);
    }
    await countLayers(session, layers);
    await session.query("DROP TABLE bench_crowd");
    // What autovacuum would do in the hours in which so many tokens are issued.
    await session.query("VACUUM (ANALYZE)");
    await session.query("CHECKPOINT");
  });
}

function originalOf({ tenantId, services }: RunningMayfly): Original {
  const application = services.find(({ format }) => format === "opaque");
  if (application === undefined) throw new Error("no application has opaque tokens");
  const { realmId, applicationId, resourceServerId } = application;
  return { tenantId, realmId, applicationId, resourceServerId };
}

// What adds rows comes last.
const REQUESTS: PlacedRequest<TenantPlace>[] = [
  {
    name: "first list page",
    async prepare({ server, bearer }) {
      const request = server.listTokens("opaque", bearer);
      const { total_size } = await sendForObject(request, server.port);
      if (Number(total_size) < TOKENS_A_TENANT) throw new Error(`the list tells of ${total_size} tokens`);
      const source = { kind: "cycle" as const, requests: [requestText(request, server.port)] };
      return { source, expectedText: '"total_size":', connections: LIST_CONNECTIONS };
    },
  },
  {
    name: "introspection",
    async prepare({ server }) {
      const requests: string[] = [];
      for (let index = 0; index < INTROSPECTED; index += 1) {
        requests.push(requestText(server.introspect("opaque", await issueToken(server, "opaque")), server.port));
      }
      return { source: { kind: "cycle", requests }, expectedText: '"active":true' };
    },
  },
  {
    name: "issue",
    async prepare({ server }) {
      const requests = [requestText(server.issue("opaque"), server.port)];
      return { source: { kind: "cycle", requests }, expectedText: '"access_token":"' };
    },
  },
];

function describe(measured: PlacedResults, settings: RunSettings): Row {
  const label = `${measured.name}, opaque, among ${tenantsOf(settings).toLocaleString("en-US")} tenants with ${TOKENS_A_TENANT.toLocaleString("en-US")} live tokens each`;
  return describePlaces(measured, { label, small: "alone", target: { atLeast: RATE_RATIO_MIN } });
}
