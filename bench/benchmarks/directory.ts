import { randomUUID } from "node:crypto";
import type { CustomBenchmark, Row } from "../benchmark.ts";
import { withOwner } from "../crowd/rows.ts";
import { type DirectorySize, makeDirectory, SOUGHT_USERNAME } from "../directory/rows.ts";
import { requestText, sendForObject } from "../http-request.ts";
import { hexId } from "../mayfly-declaration.ts";
import { type RunningMayfly, startMayfly } from "../mayfly-server.ts";
import { describePlaces, measureInTurn, type Place, type PlacedRequest } from "../places.ts";
import { type Load, type RunContext, sideContext, waitForRest } from "../run-context.ts";

const SMALL: DirectorySize = { identities: 100, groups: 10, roles: 10 };
const LARGE: DirectorySize = { identities: 10_000, groups: 1_000, roles: 100 };
/** Within twice the time. */
const RATE_RATIO_MIN = 0.5;
const CONNECTIONS = 16;

type RealmPlace = Place & {
  server: RunningMayfly;
  bearer: string;
  path: string;
  identityId: string;
  resourceServerId: string;
};

/** Lists, filters and roles of a realm with ten thousand people, and of one with a hundred, on one server (issue 4). */
export const directory: CustomBenchmark = {
  name: "directory",
  isHeavy: false,
  steps: ({ rounds }) => REQUESTS.length * 2 * rounds,
  async run(context) {
    const server = await startMayfly(sideContext(context, "directory"));
    try {
      const bearer = String((await sendForObject(server.manage(), server.port)).access_token);
      const small = await makePlace({ server, bearer }, "100 identities", SMALL);
      const large = await makePlace({ server, bearer }, "10,000 identities", LARGE);
      await waitForRest(context);
      const rows: Row[] = [];
      for (const request of REQUESTS) rows.push(await measure(request, { small, large }, context));
      return rows;
    } finally {
      await server.stop();
    }
  },
};

async function measure(
  request: PlacedRequest<RealmPlace>,
  places: { small: RealmPlace; large: RealmPlace },
  context: RunContext,
): Promise<Row> {
  const results = await measureInTurn(request, { benchmark: "directory", ...places }, context);
  const label = `${request.name}, ${places.large.label} for ${places.small.label}`;
  return describePlaces(results, { label, small: `of ${places.small.label}`, target: { atLeast: RATE_RATIO_MIN } });
}

async function makePlace(
  { server, bearer }: Pick<RealmPlace, "server" | "bearer">,
  label: string,
  size: DirectorySize,
): Promise<RealmPlace> {
  const { tenantId } = server;
  const own = { tenantId, realmId: hexId(), resourceServerId: randomUUID() };
  const identityId = await withOwner(server.database.superuserUrl, async (session) => {
    const id = await makeDirectory(session, own, size);
    await session.query("VACUUM (ANALYZE)");
    return id;
  });
  const path = `/v1/tenants/${tenantId}/realms/${own.realmId}`;
  return { label, server, bearer, path, identityId, resourceServerId: own.resourceServerId };
}

const REQUESTS: PlacedRequest<RealmPlace>[] = [
  { name: "first list page of identities", prepare: (place) => get(place, "/identities", '"total_size":') },
  {
    name: "filter by username",
    prepare: (place) =>
      get(
        place,
        `/identities?filter=${encodeURIComponent(`traits.username eq "${SOUGHT_USERNAME}"`)}`,
        `"username":"${SOUGHT_USERNAME}"`,
      ),
  },
  {
    name: "roles of an identity on a resource server",
    prepare: (place) =>
      get(
        place,
        `/identities/${place.identityId}:listRoles?resource_server_id=${place.resourceServerId}`,
        '"display_name":"Role ',
      ),
  },
];

async function get({ server, bearer, path }: RealmPlace, rest: string, expectedText: string): Promise<Load> {
  const request = requestText({ path: `${path}${rest}`, bearer }, server.port);
  return { source: { kind: "cycle", requests: [request] }, expectedText, connections: CONNECTIONS };
}
