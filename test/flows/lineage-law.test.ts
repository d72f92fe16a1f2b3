import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { lawRuns } from "../support/law-runs.ts";
import { type TestClient, testClient } from "../support/test-client.ts";
import { nameExchangers } from "../support/token-exchange.ts";
import { FOREST_SCOPES, Forest, type Sprout } from "../support/token-forest.ts";

// Settled 3 and rule 13, over whole forests: a token is alive while it and all its ancestors are, and ends at the first of their ends.

const APPLICATIONS = 3;
const FORESTS = 4;
const WAVES = 5;
const WAVE = 50;

const sprout: fc.Arbitrary<Sprout> = fc.record({
  application: fc.nat({ max: APPLICATIONS - 1 }),
  parent: fc.option(fc.nat(), { nil: undefined, freq: 8 }),
  seconds: fc.integer({ min: 1, max: 1_000 }),
  dropped: fc.nat({ max: 2 }),
});

/** What happens after tokens were issued. */
const blow = fc.oneof(
  fc.record({ what: fc.constant("revoke" as const), which: fc.nat() }),
  fc.record({ what: fc.constant("shorten" as const), which: fc.nat(), seconds: fc.integer({ min: 1, max: 500 }) }),
  fc.record({ what: fc.constant("wait" as const), seconds: fc.integer({ min: 1, max: 60 }) }),
);

const wave = fc.record({
  sprouts: fc.array(sprout, { minLength: WAVE, maxLength: WAVE }),
  blows: fc.array(blow, { minLength: 4, maxLength: 8 }),
});

/** Applications of both formats, each of which may exchange what the others have. */
async function foresters(): Promise<readonly TestClient[]> {
  const resourceServer = { scopes: FOREST_SCOPES };
  const tokens = { over_limit: "clamp" as const };
  const first = await testClient({ resourceServer, tokens });
  const around = { tenant: first.tenant, server: first.resourceServer, tokens };
  const second = await testClient({ ...around, config: { token_format: "referential" } });
  const all = [first, second, await testClient(around)];
  const applications = all.map(({ application }) => application);
  for (const application of applications) await nameExchangers(first.tenant, application, applications);
  return all;
}

async function nowOf({ tenant, application }: TestClient): Promise<number> {
  const answer = await tenant.token(application, { grant_type: "client_credentials" });
  return Number((await tenant.introspect(application, String(answer.json?.access_token))).iat);
}

test(`no token of random forests, ${FORESTS * WAVES * WAVE} tries, is alive when an ancestor is not, or longer, or for more`, async () => {
  const clients = await foresters();
  const [client] = clients;
  assert.ok(client !== undefined);
  const applications = clients.map(({ application }) => application);
  await fc.assert(
    fc.asyncProperty(fc.array(wave, { minLength: WAVES, maxLength: WAVES }), async (waves) => {
      const forest = new Forest(applications, await nowOf(client));
      for (const { sprouts, blows } of waves) {
        await forest.grow(sprouts);
        for (const one of blows) {
          if (one.what === "wait") {
            await client.tenant.advance(one.seconds);
            forest.now += one.seconds;
            continue;
          }
          const tree = forest.trees[one.which % Math.max(forest.trees.length, 1)];
          if (tree === undefined) continue;
          if (one.what === "revoke") await forest.revoke(tree);
          else await forest.shorten(tree, one.seconds);
        }
        await forest.check();
      }
    }),
    { numRuns: lawRuns(FORESTS), endOnFailure: true },
  );
});
