import { issueToken } from "../access-token.ts";
import type { CustomBenchmark, Row } from "../benchmark.ts";
import { FIGURES, type Figure } from "../comparison.ts";
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
import type { LoadResult } from "../load-plan.ts";
import { type RunningMayfly, startMayfly } from "../mayfly-server.ts";
import { type Load, type RunContext, type RunSettings, runLoad, sideContext, waitForRest } from "../run-context.ts";
import { median } from "../statistics.ts";

const TOKENS_A_TENANT = 1_000;
const TENANTS_FULL = 10_000;
const TENANTS = 1_000;
const INTROSPECTED = 256;
const RATE_RATIO_MIN = 0.85;
/** Of a page, which is heavy: more would only wait. */
const LIST_CONNECTIONS = 16;

type Place = { label: string; server: RunningMayfly; bearer: string };
type Measured = { name: string; alone: LoadResult[]; crowded: LoadResult[] };

/**
 * One tenant with a thousand live tokens, alone in its database and among ten thousand like it (settled 13): ten million rows, by
 * lifetimes of an hour to 140 days. Interleaved rounds, and the ratio of what both answer.
 */
export const crowd: CustomBenchmark = {
  name: "crowd",
  isHeavy: true,
  steps: (settings) => layerGroups(settings).length + REQUESTS.length * 2 * settings.rounds,
  async run(context) {
    const places: Place[] = [];
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
      const measured: Measured[] = [];
      for (const request of REQUESTS) measured.push(await measure(request, places, context));
      return measured.flatMap((one) => describe(one, context.settings));
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

type Request = { name: string; prepare(place: Place): Promise<Load> };

// What adds rows comes last.
const REQUESTS: Request[] = [
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

async function measure(request: Request, places: Place[], context: RunContext): Promise<Measured> {
  const loads = new Map<Place, Load>();
  for (const place of places) loads.set(place, await request.prepare(place));
  const results = new Map<string, LoadResult[]>(places.map(({ label }) => [label, []]));
  for (let round = 0; round < context.settings.rounds; round += 1) {
    for (const place of round % 2 === 0 ? places : places.toReversed()) {
      context.progress.step(`crowd: ${request.name}, ${place.label}, round ${round + 1}`);
      const load = loads.get(place);
      if (load !== undefined) results.get(place.label)?.push(await runLoad(place.server, load, context));
    }
  }
  return { name: request.name, alone: results.get("alone") ?? [], crowded: results.get("crowded") ?? [] };
}

function describe({ name, alone, crowded }: Measured, settings: RunSettings): Row[] {
  const ratio = (figure: Figure) =>
    median(
      crowded.map((round, index) => {
        const other = alone[index];
        return other === undefined ? Number.NaN : figure(round) / figure(other);
      }),
    );
  const note = [
    `${median(alone.map(FIGURES.requestsPerSecond)).toFixed(0)} requests/s alone`,
    `p99 ${ratio(FIGURES.p99Milliseconds).toFixed(2)}x`,
    `CPU of the server ${ratio(FIGURES.cpuMicroseconds).toFixed(2)}x, of the database ${ratio(FIGURES.databaseCpuMicroseconds).toFixed(2)}x`,
  ].join("; ");
  const label = `${name}, opaque, among ${tenantsOf(settings).toLocaleString("en-US")} tenants with ${TOKENS_A_TENANT.toLocaleString("en-US")} live tokens each`;
  return [
    { label, value: ratio(FIGURES.requestsPerSecond), unit: "x requests/s", target: { atLeast: RATE_RATIO_MIN }, note },
  ];
}
