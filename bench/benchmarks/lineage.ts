import type { CustomBenchmark, Row } from "../benchmark.ts";
import { type BenchRequest, sendForObject, sendRequest } from "../http-request.ts";
import { type RunningMayfly, startMayfly } from "../mayfly-server.ts";
import { type RunContext, type RunSettings, sideContext, waitForRest } from "../run-context.ts";
import { median, percentile } from "../statistics.ts";

const DESCENDANTS = 1_000;
const TREES_FULL = 10;
const GENERATIONS_MAX = 8;
/** Exchanges on their way at once. */
const AT_ONCE = 32;
const SAMPLES = 200;
/** Of a shortening each counts: the next is a second shorter. */
const SHORTENED_FROM_SECONDS = 3_000;
const MILLISECONDS_MAX = 50;
const FORMAT = "opaque";

/** A token, how many it descends from, and its id. */
type Grown = { access: string; generation: number };

type Forest = { server: RunningMayfly; bearer: string; context: RunContext };

/** Tokens that are handed on: what the tree of one with a thousand descendants costs, and its end (issue 6). */
export const lineage: CustomBenchmark = {
  name: "lineage",
  isHeavy: true,
  steps: (settings) => treesOf(settings) + 1,
  async run(context) {
    const server = await startMayfly(sideContext(context, "lineage"));
    try {
      const bearer = String((await sendForObject(server.manage(), server.port)).access_token);
      const forest = { server, bearer, context };
      const trees: Grown[][] = [];
      for (let n = 0; n < treesOf(context.settings); n += 1) {
        context.progress.step(`lineage: tree ${n + 1} of ${treesOf(context.settings)}`);
        trees.push(await grow(forest));
      }
      await waitForRest(context);
      context.progress.step("lineage: looked at, shortened and ended");
      return await measure(forest, trees);
    } finally {
      await server.stop();
    }
  },
};

function treesOf({ isFull }: RunSettings): number {
  return isFull ? TREES_FULL : 1;
}

/** A token and a thousand that descend from it, each from any of those before. */
async function grow({ server, context }: Forest): Promise<Grown[]> {
  const { access_token: top } = await sendForObject(server.issue(FORMAT), server.port);
  const tree: Grown[] = [{ access: String(top), generation: 0 }];
  while (tree.length <= DESCENDANTS) {
    context.signal.throwIfAborted();
    const parents = tree.filter(({ generation }) => generation < GENERATIONS_MAX);
    const count = Math.min(AT_ONCE, DESCENDANTS + 1 - tree.length);
    const chosen = Array.from({ length: count }, (_, n) => parents[(n * 7_919 + tree.length * 31) % parents.length]);
    tree.push(
      ...(await Promise.all(chosen.flatMap((parent) => (parent === undefined ? [] : exchange(server, parent))))),
    );
  }
  return tree;
}

async function exchange(server: RunningMayfly, { access, generation }: Grown): Promise<Grown> {
  const form = {
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    subject_token: access,
    subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
  };
  const answer = await sendForObject({ ...server.issue(FORMAT), form }, server.port);
  return { access: String(answer.access_token), generation: generation + 1 };
}

async function measure(forest: Forest, trees: Grown[][]): Promise<Row[]> {
  const { server, bearer } = forest;
  const [first = []] = trees;
  const top = first[0]?.access ?? "";
  const { jti } = await sendForObject(server.introspect(FORMAT, top), server.port);
  const path = `${server.listTokens(FORMAT, bearer).path}/${jti}/tree`;
  const page = await sample(forest, () => ({ path, bearer }));
  const whole: number[] = [];
  for (let n = 0; n < SAMPLES / 20; n += 1) whole.push(await timeOf(() => readWhole(forest, path)));
  const lowered = await sample(forest, (n) => shortening(server, top, SHORTENED_FROM_SECONDS - n));
  const ended: number[] = [];
  for (const [root] of trees)
    ended.push(await timeOf(() => sendRequest(server.revoke(FORMAT, root?.access ?? ""), server.port)));
  const suffix = `of a token with ${DESCENDANTS.toLocaleString("en-US")} descendants`;
  return [
    latency(`a page of the tree ${suffix}`, page),
    { label: `the whole tree ${suffix}`, value: median(whole), unit: "ms", note: "pages of 100; median" },
    latency(`shortening ${suffix}`, lowered),
    latency(`revocation ${suffix}`, ended),
    await countStale(forest, trees),
  ];
}

function shortening(server: RunningMayfly, token: string, seconds: number): BenchRequest {
  const { path, ...request } = server.revoke(FORMAT, token);
  const form = { token, expiration_time: String(seconds) };
  return { ...request, path: path.replace(/revoke$/, "shorten"), form };
}

async function readWhole({ server, bearer }: Forest, path: string): Promise<void> {
  let seen = 0;
  let query = "";
  do {
    const { tokens, next_page_token: next } = await sendForObject({ path: `${path}${query}`, bearer }, server.port);
    seen += Array.isArray(tokens) ? tokens.length : 0;
    query = typeof next === "string" ? `?page_token=${next}` : "";
  } while (query !== "");
  if (seen !== DESCENDANTS + 1) throw new Error(`the tree showed ${seen} tokens`);
}

async function sample({ server }: Forest, request: (n: number) => BenchRequest): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < SAMPLES; n += 1) times.push(await timeOf(() => sendRequest(request(n), server.port)));
  return times;
}

async function timeOf(act: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await act();
  return performance.now() - startedAt;
}

function latency(label: string, times: number[]): Row {
  const note = `median ${median(times).toFixed(1)} ms; one after the other, ${times.length} of them`;
  const value = percentile(times, 0.99);
  return { label: `p99 of ${label}`, value, unit: "ms", target: { atMost: MILLISECONDS_MAX }, note };
}

/** Asks for every descendant of what was ended: none may be active. */
async function countStale({ server, context }: Forest, trees: Grown[][]): Promise<Row> {
  const tokens = trees.flat();
  let stale = 0;
  for (let n = 0; n < tokens.length; n += AT_ONCE) {
    context.signal.throwIfAborted();
    const asked = tokens.slice(n, n + AT_ONCE).map(({ access }) => server.introspect(FORMAT, access));
    const answers = await Promise.all(asked.map((request) => sendForObject(request, server.port)));
    stale += answers.filter(({ active }) => active !== false).length;
  }
  const label = `${tokens.length.toLocaleString("en-US")} tokens of ${trees.length} trees, introspected after their ends`;
  return { label, value: stale, unit: "active", target: { atMost: 0 } };
}
