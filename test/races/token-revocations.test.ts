import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { tokenRevocationsJob } from "../../src/jobs/token-revocations.ts";
import { LATE_MS } from "../../src/resources/token-revocation/rules.ts";
import { postForm } from "../support/http.ts";
import { decodeJwt } from "../support/jwt.ts";
import { lawRuns } from "../support/law-runs.ts";
import { keepJob } from "../support/leased-job.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import { movableClock } from "../support/movable-clock.ts";
import { nodeBeside } from "../support/node-beside.ts";
import { testClient } from "../support/test-client.ts";
import { testCodeFlow, tokensOf } from "../support/test-code-flow.ts";
import { testServer } from "../support/test-server.ts";
import { testTenant } from "../support/test-tenant.ts";

// Issue 6: afterwards every token that fits is inactive or ends when it was said, every other is as before, and the receipt says exactly
// what was done, though two nodes do it at once.

const RUNS = 8;

/** What is known of a token or a family. */
interface Known {
  readonly kind: "access" | "family";
  readonly token: string;
  readonly application: "robot" | "opaque" | "shop";
  readonly person?: "member" | "outsider";
  readonly scopes: readonly string[];
  readonly issuedAt: number;
  readonly keyId?: string;
  readonly exp?: number;
  readonly family?: Known;
  /** seconds of tenant time; moved by what ends or shortens it */
  end: number;
}

interface Filter {
  readonly application?: Known["application"] | undefined;
  readonly person?: "member" | undefined;
  readonly isGroup?: true | undefined;
  readonly scope?: number | undefined;
  readonly isKey?: true | undefined;
  readonly secondsAgo?: number | undefined;
}

const some = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined, freq: 2 });
const filters: fc.Arbitrary<Filter> = fc
  .record({
    application: some(fc.constantFrom("robot" as const, "opaque" as const, "shop" as const)),
    person: some(fc.constant("member" as const)),
    isGroup: some(fc.constant(true as const)),
    scope: some(fc.integer({ min: 0, max: 1 })),
    isKey: some(fc.constant(true as const)),
    secondsAgo: some(fc.integer({ min: -1, max: 40 })),
  })
  .filter((filter) => Object.values(filter).some((member) => member !== undefined));
const birth = fc.record({
  who: fc.constantFrom("robot" as const, "opaque" as const, "member" as const, "outsider" as const),
  scopes: fc.constantFrom([0], [1], [0, 1]),
  isRevoked: fc.boolean(),
  wait: fc.integer({ min: 0, max: 3 }),
});
type Born = typeof birth extends fc.Arbitrary<infer Value> ? Value : never;
/** Seconds that what is meant may still live; undefined where it is revoked. */
const lives = fc.option(fc.integer({ min: 1, max: 120 }), { nil: undefined, freq: 2 });
const population = fc.array(birth, { minLength: 2, maxLength: 5 });

type Who = "robot" | "opaque" | "member" | "outsider";

async function openWorld(t: TestContext) {
  const clock = movableClock();
  const first = await testServer({ clock });
  const second = await nodeBeside(first, clock);
  t.after(async () => {
    if (second !== first) await second.stop();
    await first.stop();
  });
  await keepJob(first, tokenRevocationsJob);
  const tenant = await testTenant({ server: first });
  const robot = await testClient({ tenant });
  const server = robot.resourceServer;
  const opaque = await testClient({ tenant, server, config: { token_format: "referential" } });
  const shop = await testCodeFlow({ tenant, server });
  const outsider = await tenant.addIdentity("outsider@example.com");
  await shop.role.addMember(outsider);
  const people = { member: shop.identityId, outsider };
  const api = managementClient(tenant);
  const groupId = (await succeed(api("CreateGroup", { body: { group: { display_name: "Crew" } } }))).id;
  await succeed(api("AddGroupMembers", { group: groupId, body: { identity_ids: [people.member] } }));
  const applications = { robot: robot.application, opaque: opaque.application, shop: shop.application };
  const scopes = server.settings.scopes.slice(0, 2);
  return { clock, nodes: [first, second], tenant, shop, people, api, groupId, applications, scopes };
}

type World = Awaited<ReturnType<typeof openWorld>>;

function factsOf(token: string, { clock }: World) {
  if (!token.includes(".")) return { issuedAt: clock.nowSeconds() };
  const { kid } = JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString());
  const { iat, exp } = decodeJwt(token);
  return { issuedAt: Number(iat), exp: Number(exp), keyId: String(kid) };
}

async function issue(world: World, who: Who, scope: readonly string[]): Promise<Known[]> {
  const { clock, tenant, shop, people, applications, scopes } = world;
  if (who === "robot" || who === "opaque") {
    const form = { grant_type: "client_credentials", scope: scope.join(" ") };
    const { access } = tokensOf(await tenant.token(applications[who], form));
    return [
      await withEnd(world, {
        kind: "access",
        token: access,
        application: who,
        scopes: scope,
        ...factsOf(access, world),
      }),
    ];
  }
  const grant = await shop.grant({ identityId: people[who], scope: ["openid", ...scopes].join(" ") });
  const issuedAt = clock.nowSeconds();
  clock.pass(1);
  const { access, refresh } = tokensOf(await shop.exchange(grant, { scope: ["openid", ...scope].join(" ") }));
  const shared = { application: "shop", person: who } as const;
  const family = await withEnd(world, { ...shared, kind: "family", token: refresh, scopes, issuedAt });
  const own = { ...shared, kind: "access", scopes: scope, ...factsOf(access, world), family } as const;
  return [family, await withEnd(world, { ...own, token: access })];
}

async function withEnd({ tenant, applications }: World, known: Omit<Known, "end">): Promise<Known> {
  const { exp } = await tenant.introspect(applications[known.application], known.token);
  return { ...known, end: Number(exp) };
}

/** A filter with what it stands for. */
interface Meant extends Filter {
  readonly before: number;
  readonly scopeName: string | undefined;
  readonly keyId: string;
}

function fits(one: Known, filter: Meant): boolean {
  const { application, person, isGroup, scopeName, isKey } = filter;
  if (isKey && one.kind === "family") return false;
  const isOwn = one.issuedAt < filter.before && (scopeName === undefined || one.scopes.includes(scopeName));
  const byFamily = !isKey && one.family !== undefined && fits(one.family, filter);
  return (
    (application === undefined || one.application === application) &&
    (person === undefined || one.person === person) &&
    (!isGroup || one.person === "member") &&
    (!isKey || one.keyId === filter.keyId) &&
    (isOwn || byFamily)
  );
}

async function end(world: World, filter: Meant, life: number | undefined): Promise<unknown> {
  const { clock, nodes, api, people, groupId, applications } = world;
  const { application, person, isGroup, scopeName, isKey, secondsAgo, before, keyId } = filter;
  const asked = {
    ...(application === undefined ? {} : { application_id: applications[application].key.applicationId }),
    ...(person === undefined ? {} : { identity_id: people[person] }),
    ...(isGroup ? { group_id: groupId } : {}),
    ...(scopeName === undefined ? {} : { scope: scopeName }),
    ...(isKey ? { key_id: keyId } : {}),
    ...(secondsAgo === undefined ? {} : { issued_before: before }),
  };
  const shorten = life === undefined ? {} : { action: "shorten" as const, expiration_time: life };
  const { id } = await succeed(
    api("CreateTokenRevocation", { body: { token_revocation: { ...shorten, filter: asked } } }),
  );
  const runAtOnce = () => Promise.all(nodes.map(({ deps }) => tokenRevocationsJob.run(deps)));
  await runAtOnce();
  clock.pass(LATE_MS / 1_000);
  await runAtOnce();
  const { state, receipt } = await succeed(api("GetTokenRevocation", { token_revocation: id }));
  assert.equal(state, "DONE");
  return receipt;
}

/** @param until when what fits ends at the latest */
function expectedReceipt(matched: readonly Known[], now: number, until: number) {
  const live = matched.filter(({ end }) => end > now);
  const ends = live.flatMap(({ exp }) => exp ?? []);
  return {
    matched: matched.length,
    already_dead: matched.length - live.length,
    changed: live.filter(({ end }) => end > until).length,
    access_tokens: matched.filter(({ kind }) => kind === "access").length,
    refresh_families: matched.filter(({ kind }) => kind === "family").length,
    accepted_offline_until: ends.length === 0 ? null : Math.max(...ends),
  };
}

test("what fits ends as it was said, all else is as before, and the receipt is exact, though two nodes do it at once", async (t) => {
  const world = await openWorld(t);
  const { clock, tenant, applications, scopes } = world;
  const all = await issue(world, "robot", scopes);
  const keyId = String(all[0]?.keyId);

  async function bear({ who, scopes: chosen, isRevoked, wait }: Born): Promise<void> {
    const names = chosen.map((n) => scopes[n] ?? "");
    const made = await issue(world, who, names);
    const last = made.at(-1);
    if (isRevoked && last !== undefined) {
      const { issuer, authorization } = applications[last.application];
      await postForm(`${issuer}/revoke`, { token: last.token }, { authorization });
      last.end = clock.nowSeconds();
    }
    all.push(...made);
    clock.pass(wait + (isRevoked ? 1 : 0));
  }

  await fc.assert(
    fc.asyncProperty(population, filters, lives, async (born, filter, life) => {
      for (const one of born) await bear(one);
      const now = clock.nowSeconds();
      const before = filter.secondsAgo === undefined ? now + 1 : now - filter.secondsAgo;
      const scopeName = filter.scope === undefined ? undefined : scopes[filter.scope];
      const meant = { ...filter, before, scopeName, keyId };
      const matched = all.filter((one) => fits(one, meant));
      const until = now + (life ?? 0);
      const receipt = expectedReceipt(matched, now, until);
      assert.deepEqual(await end(world, meant, life), receipt);
      for (const one of matched) one.end = Math.min(one.end, until);
      for (const one of all) {
        const { active, exp } = await tenant.introspect(applications[one.application], one.token);
        const isAlive = one.end > clock.nowSeconds();
        assert.deepEqual([active, exp], [isAlive, isAlive ? one.end : undefined], JSON.stringify(one));
      }
    }),
    { numRuns: lawRuns(RUNS), endOnFailure: true },
  );
});
