import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { PostgresServer } from "../../bin/postgres.mjs";
import { type Answer, askUntilAnswered, basic, call, postForm } from "./http.ts";
import { declareRefreshChains, type RefreshChains } from "./refresh-chains.ts";
import type { Credentials, ServerPlace, ServerProcess } from "./server-process.ts";
import { waitUntil } from "./wait-until.ts";

// What a client received is there after `kill -9` at any moment (specification section 4): tokens are recorded, revocations and refreshes too.

const WORKERS = 24;
const CHECKS_AT_ONCE = 64;
/** So many tokens, and so many revocations and refreshes, are there before a kill. */
const TOKENS_MIN = 10;
const OTHERS_MIN = 3;
/** A machine that does other things, too, may need a while. */
const REACH = { everyMs: 20, msMax: 30_000 };
const LOAD_MS_SPREAD = 900;
/** Each worker revokes one of so many of its tokens. */
const REVOKED_PART = 5;

/** What clients were told, and so must find again. */
export interface Acknowledged {
  readonly issued: string[];
  readonly revoked: string[];
}

/** A load of requests for tokens and revocations that notes what it was told. */
export interface TokenLoad {
  readonly acknowledged: Acknowledged;
  /** answers that were neither; undefined where the connection broke */
  readonly others: (Answer | undefined)[];
  /** the longest that any request took */
  readonly slowestMs: () => number;
  /** how often each client has been answered */
  readonly answered: readonly number[];
  /** Waits until so many tokens were issued. */
  reach(issued: number): Promise<void>;
  /** Waits until so many requests were not answered 200. */
  refused(count: number): Promise<void>;
  stop(): Promise<void>;
}

export interface LoadOptions {
  /** pause of a worker after a request that failed */
  readonly pauseMs?: number;
  readonly workers?: number;
}

/** Starts clients that ask for tokens, one request after the other each, until they are stopped. */
export function startLoad(credentials: Credentials, options: LoadOptions = {}): TokenLoad {
  const acknowledged: Acknowledged = { issued: [], revoked: [] };
  const others: (Answer | undefined)[] = [];
  const answered = Array.from({ length: options.workers ?? WORKERS }, () => 0);
  let isStopped = false;
  let slowest = 0;
  const send = async (path: string, form: Record<string, string>): Promise<Answer | undefined> => {
    const startedAt = performance.now();
    const authorization = basic(credentials.client_id, credentials.client_secret);
    const answer = await postForm(`${credentials.issuer}${path}`, form, { authorization }).catch(() => undefined);
    slowest = Math.max(slowest, performance.now() - startedAt);
    if (answer?.status === 200) return answer;
    others.push(answer);
    await sleep(options.pauseMs ?? 20);
    return undefined;
  };
  const work = async (client: number): Promise<void> => {
    for (let round = 1; !isStopped; round += 1) {
      const form = { grant_type: "client_credentials", scope: "tokens:introspect", expiration_time: "86400" };
      const answer = await send("/token", form);
      if (answer === undefined) continue;
      const token = String(answer.json?.access_token);
      if (round % REVOKED_PART !== 0) acknowledged.issued.push(token);
      else if ((await send("/revoke", { token })) !== undefined) acknowledged.revoked.push(token);
      answered[client] = round;
    }
  };
  const workers = answered.map((_, client) => work(client));
  return {
    acknowledged,
    others,
    slowestMs: () => slowest,
    answered,
    reach: (issued) => waitUntil(() => acknowledged.issued.length >= issued, "the load brings no tokens", REACH),
    refused: (count) => waitUntil(() => others.length >= count, "nothing is refused", REACH),
    stop: async () => {
      isStopped = true;
      await Promise.all(workers);
    },
  };
}

/** Whatever a load was not answered well must have been a 503 that says when to come again. */
export function checkRefusals({ others }: TokenLoad): void {
  for (const answer of others) {
    assert.ok(answer !== undefined, "a connection broke, though only the database was at fault");
    assert.equal(answer.status, 503, answer.text);
    assert.match(answer.headers.get("retry-after") ?? "", /^[1-9]\d*$/);
    assert.equal(answer.json?.error, "temporarily_unavailable");
    assert.match(answer.headers.get("x-trace-id") ?? "", /^[0-9a-f]{32}$/);
  }
}

/** What clients were told and is not so. */
interface Lost {
  /** tokens that were answered and are not active */
  readonly tokens: number;
  /** tokens that are active though their revocation was answered */
  readonly revocations: number;
}

const NOTHING_LOST: Lost = { tokens: 0, revocations: 0 };

type Introspector = Pick<Credentials, "client_id" | "client_secret" | "introspection_endpoint">;

/** Asks for every token that clients received, and every revocation that they were told of; throws when an answer is not 200. */
async function countLost(client: Introspector, { issued, revoked }: Acknowledged): Promise<Lost> {
  const wanted = [
    ...issued.map((token) => ({ token, active: true })),
    ...revoked.map((token) => ({ token, active: false })),
  ];
  const authorization = basic(client.client_id, client.client_secret);
  let [tokens, revocations] = [0, 0];
  const check = async (): Promise<void> => {
    for (let next = wanted.pop(); next !== undefined; next = wanted.pop()) {
      const { token } = next;
      const answer = await askUntilAnswered(() =>
        postForm(client.introspection_endpoint, { token }, { authorization }),
      );
      if (answer.status !== 200) throw new Error(`introspection answered ${answer.status} ${answer.text}`);
      if (answer.json?.active === next.active) continue;
      if (next.active) tokens += 1;
      else revocations += 1;
    }
  };
  await Promise.all(Array.from({ length: CHECKS_AT_ONCE }, check));
  return { tokens, revocations };
}

/** Checks that every token that clients received is there, and every revocation that they were told of. */
export async function checkAcknowledged(credentials: Credentials, acknowledged: Acknowledged): Promise<void> {
  const { issued, revoked } = acknowledged;
  const lost = await countLost(credentials, acknowledged);
  assert.deepEqual(lost, NOTHING_LOST, `lost of ${issued.length} tokens and ${revoked.length} revocations`);
}

/** Waits until a server that runs has found its database again, and returns how many milliseconds that took. */
export async function awaitReady({ url }: ServerProcess): Promise<number> {
  const startedAt = performance.now();
  const isReady = async () => (await call(`${url}/health/ready`)).status === 200;
  await waitUntil(isReady, "Mayfly did not find its database again", REACH);
  return performance.now() - startedAt;
}

export interface KillOptions {
  readonly kills: number;
  /** the server's database, when it is to be killed and not the server */
  readonly postgres?: PostgresServer;
  readonly tell?: (progress: string) => void;
}

/** What clients were told between all the kills, and how much of it was lost. */
export interface KillReport {
  readonly issued: number;
  readonly revoked: number;
  readonly refreshed: number;
  /** may count one thing twice: after its kill, and at the end */
  readonly lost: Lost & { readonly refreshes: number };
}

/**
 * Kills a server, or its database, again and again under a load of tokens, revocations and refreshes, and counts what was
 * acknowledged and is lost: after each kill and, of everything, at the end.
 */
export async function killUnderLoad(place: ServerPlace, options: KillOptions): Promise<KillReport> {
  const { kills, postgres, tell } = options;
  const declared = await declareRefreshChains(place);
  let server = await place.start(declared.environment);
  const world: World = {
    credentials: place.readCredentials(),
    chains: await declared.logIn(server),
    kill: async () => void (await (postgres === undefined ? server.end("SIGKILL") : postgres.kill())),
    revive: async () => {
      if (postgres === undefined) server = await place.start();
      else await postgres.start().then(() => awaitReady(server));
    },
  };
  const all: Round = { own: { issued: [], revoked: [] }, refreshed: [], lost: { ...NOTHING_LOST, refreshes: 0 } };
  for (let kill = 1; kill <= kills; kill += 1) {
    const startedAt = performance.now();
    const { own, refreshed, lost } = await killOnce(world);
    all.own.issued.push(...own.issued);
    all.own.revoked.push(...own.revoked);
    all.refreshed.push(...refreshed);
    all.lost = addUp(all.lost, lost);
    const counts = `${own.issued.length} tokens, ${own.revoked.length} revocations, ${refreshed.length} refreshes`;
    tell?.(`kill ${kill} of ${kills}: ${counts}, in ${Math.round(performance.now() - startedAt)} ms`);
  }
  const lost = addUp(all.lost, await countAllLost(world, all));
  await server.end("SIGTERM");
  return { issued: all.own.issued.length, revoked: all.own.revoked.length, refreshed: all.refreshed.length, lost };
}

interface World {
  readonly credentials: Credentials;
  readonly chains: RefreshChains;
  kill(): Promise<void>;
  /** ends when the server is ready */
  revive(): Promise<void>;
}

interface Round {
  readonly own: Acknowledged;
  /** the access tokens that refreshes brought */
  readonly refreshed: string[];
  lost: KillReport["lost"];
}

async function killOnce(world: World): Promise<Round> {
  const load = startLoad(world.credentials);
  const refreshes = world.chains.start();
  await load.reach(TOKENS_MIN);
  const others = () => Math.min(load.acknowledged.revoked.length, refreshes.issued.length);
  await waitUntil(() => others() >= OTHERS_MIN, "the load brings no revocations or no refreshes", REACH);
  await sleep(Math.random() * LOAD_MS_SPREAD);
  await world.kill();
  // Whoever was not answered may have to wait until there is somebody to answer.
  await Promise.all([world.revive(), load.stop(), refreshes.stop()]);
  const told = { own: load.acknowledged, refreshed: refreshes.issued };
  return { ...told, lost: await countAllLost(world, told) };
}

async function countAllLost(world: World, told: Pick<Round, "own" | "refreshed">): Promise<KillReport["lost"]> {
  const refreshes = await world.chains.countLost();
  const [own, refreshed] = [
    await countLost(world.credentials, told.own),
    await countLost(world.chains.client, { issued: told.refreshed, revoked: [] }),
  ];
  return addUp({ ...own, refreshes }, { ...refreshed, refreshes: 0 });
}

function addUp(one: KillReport["lost"], other: KillReport["lost"]): KillReport["lost"] {
  return {
    tokens: one.tokens + other.tokens,
    revocations: one.revocations + other.revocations,
    refreshes: one.refreshes + other.refreshes,
  };
}

/** Checks that kills cost nothing, and that there was enough to lose. */
export function checkNothingLost({ issued, revoked, refreshed, lost }: KillReport, kills: number): void {
  assert.deepEqual(lost, { ...NOTHING_LOST, refreshes: 0 });
  assert.ok(Math.min(issued, revoked, refreshed) > kills, "the load brought too little to prove anything");
}
