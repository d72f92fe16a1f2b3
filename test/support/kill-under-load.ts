import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, basic, postForm } from "./http.ts";
import type { Credentials, ServerPlace } from "./server-process.ts";

// What a client received is there after `kill -9` at any moment (specification section 4): tokens are recorded, revocations too.

const WORKERS = 24;
const CHECKS_AT_ONCE = 64;
/** So many tokens are there before a kill. */
const TOKENS_MIN = 10;
/** A machine that does other things, too, may need a while. */
const REACH_MS_MAX = 30_000;
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
  const work = async (): Promise<void> => {
    for (let round = 1; !isStopped; round += 1) {
      const form = { grant_type: "client_credentials", scope: "tokens:introspect", expiration_time: "86400" };
      const answer = await send("/token", form);
      if (answer === undefined) continue;
      const token = String(answer.json?.access_token);
      if (round % REVOKED_PART !== 0) acknowledged.issued.push(token);
      else if ((await send("/revoke", { token })) !== undefined) acknowledged.revoked.push(token);
    }
  };
  const workers = Array.from({ length: options.workers ?? WORKERS }, work);
  return {
    acknowledged,
    others,
    slowestMs: () => slowest,
    reach: (issued) => waitUntil(() => acknowledged.issued.length >= issued, "the load brings no tokens"),
    refused: (count) => waitUntil(() => others.length >= count, "nothing is refused"),
    stop: async () => {
      isStopped = true;
      await Promise.all(workers);
    },
  };
}

async function waitUntil(isSo: () => boolean, otherwise: string): Promise<void> {
  for (const startedAt = performance.now(); !isSo(); await sleep(20))
    assert.ok(performance.now() - startedAt < REACH_MS_MAX, otherwise);
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

/** Asks for every token that clients received, and every revocation that they were told of. */
export async function checkAcknowledged(credentials: Credentials, { issued, revoked }: Acknowledged): Promise<void> {
  const wanted = [
    ...issued.map((token) => ({ token, active: true })),
    ...revoked.map((token) => ({ token, active: false })),
  ];
  const authorization = basic(credentials.client_id, credentials.client_secret);
  let lost = 0;
  const check = async (): Promise<void> => {
    for (let next = wanted.pop(); next !== undefined; next = wanted.pop()) {
      const answer = await postForm(credentials.introspection_endpoint, { token: next.token }, { authorization });
      if (answer.status !== 200) throw new Error(`introspection answered ${answer.status} ${answer.text}`);
      if (answer.json?.active !== next.active) lost += 1;
    }
  };
  await Promise.all(Array.from({ length: CHECKS_AT_ONCE }, check));
  assert.equal(lost, 0, `${lost} of ${issued.length} tokens and ${revoked.length} revocations were lost`);
}

/** Kills the server again and again under load, and checks after each restart that nothing acknowledged is lost. */
export async function killUnderLoad(
  place: ServerPlace,
  kills: number,
  tell: (progress: string) => void = () => undefined,
): Promise<void> {
  const all: Acknowledged = { issued: [], revoked: [] };
  let server = await place.start();
  for (let kill = 1; kill <= kills; kill += 1) {
    const load = startLoad(place.readCredentials());
    await load.reach(TOKENS_MIN);
    await sleep(Math.random() * LOAD_MS_SPREAD);
    await server.end("SIGKILL");
    await load.stop();
    const { issued, revoked } = load.acknowledged;
    all.issued.push(...issued);
    all.revoked.push(...revoked);
    const startedAt = performance.now();
    server = await place.start();
    const startMs = Math.round(performance.now() - startedAt);
    await checkAcknowledged(place.readCredentials(), load.acknowledged);
    tell(
      `kill ${kill} of ${kills}: ${issued.length} tokens, ${revoked.length} revocations, ready again in ${startMs} ms`,
    );
  }
  await checkAcknowledged(place.readCredentials(), all);
  await server.end("SIGTERM");
  assert.ok(all.issued.length > kills, "the load brought too few tokens to prove anything");
}
