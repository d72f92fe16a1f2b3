import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, basic, postForm } from "./http.ts";
import type { Credentials } from "./server-process.ts";

const PAUSE_MS = 50;

/** Tokens that are made on one node, revoked on the next and asked for on the one after that, again and again. */
export interface Revocations {
  /** how many were revoked and asked for */
  readonly pairs: () => number;
  /** how many were active after that */
  readonly stale: () => number;
  /** Resolves when there are as many pairs as were asked for. */
  readonly done: Promise<void>;
  stop(): Promise<void>;
}

export interface RevocationOptions {
  readonly workers: number;
  readonly pairsMax: number;
}

/** How many of the pairs are under way at a time. */
const WORKERS = 60;

/** Makes so many pairs, as fast as they are answered, and returns how many of the tokens were active afterwards. */
export async function countStale(nodes: readonly Credentials[], pairs: number): Promise<number> {
  const revocations = startRevocations(nodes, { workers: WORKERS, pairsMax: pairs });
  await revocations.done;
  if (revocations.pairs() !== pairs) throw new Error(`${revocations.pairs()} of ${pairs} pairs were made`);
  return revocations.stale();
}

/** Starts clients that do so until they are stopped or done; what is not answered 200 is tried anew. */
export function startRevocations(nodes: readonly Credentials[], options: RevocationOptions): Revocations {
  let isStopped = false;
  let begun = 0;
  let pairs = 0;
  let stale = 0;
  const send = async (turn: number, path: string, form: Record<string, string>): Promise<Answer | undefined> => {
    const node = nodes[turn % nodes.length];
    if (node === undefined) throw new Error("there is no node");
    const authorization = basic(node.client_id, node.client_secret);
    const url = path === "introspect" ? node.introspection_endpoint : `${node.issuer}/${path}`;
    const answer = await postForm(url, form, { authorization }).catch(() => undefined);
    if (answer?.status === 200) return answer;
    await sleep(PAUSE_MS);
    return undefined;
  };
  const pair = async (turn: number): Promise<boolean> => {
    const issued = await send(turn, "token", { grant_type: "client_credentials", expiration_time: "3600" });
    const token = String(issued?.json?.access_token);
    if (issued === undefined || (await send(turn + 1, "revoke", { token })) === undefined) return false;
    const asked = await send(turn + 2, "introspect", { token });
    if (asked === undefined) return false;
    if (asked.json?.active !== false) stale += 1;
    pairs += 1;
    return true;
  };
  const work = async (): Promise<void> => {
    while (!isStopped && begun < options.pairsMax) {
      const turn = begun;
      begun += 1;
      while (!isStopped && !(await pair(turn)));
    }
  };
  const done = Promise.all(Array.from({ length: options.workers }, work)).then(() => undefined);
  return {
    pairs: () => pairs,
    stale: () => stale,
    done,
    stop: async () => {
      isStopped = true;
      await done;
    },
  };
}
