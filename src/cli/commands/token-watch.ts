import { setTimeout as pause } from "node:timers/promises";
import { type Command, InvalidArgumentError } from "commander";
import { readEvents } from "../../protocol/read-events.ts";
import { CliError } from "../cli-error.ts";
import { type CommonOptions, profileOf, realmPathOf } from "../command.ts";
import { parseJson, textOf } from "../json.ts";
import type { Profile } from "../profile.ts";
import { requestCommandToken, unexpected } from "../token-client.ts";
import type { World } from "../world.ts";

interface WatchOptions extends CommonOptions {
  readonly realm?: string;
  readonly audience: string;
  readonly count?: number;
}

/** A connection that is over, because its token is or the server ends, is made anew after so long. */
const PAUSE_MS = 500;
const FAILURES_MAX = 20;

/** `mayfly token watch` */
export function addTokenWatch(parent: Command, world: World): void {
  parent
    .command("watch")
    .summary("tell of tokens that end before their time, as they do")
    .description(
      "Prints a line of JSON for each self-contained token of an audience that was revoked or shortened: first those that are known, then each as it ends. Ctrl-C ends it.",
    )
    .requiredOption("--audience <identifier>", "whose tokens: the identifier of a resource server")
    .option("--realm <id>", "realm of the resource server")
    .option("--count <number>", "end after so many", readCount)
    .action((_: unknown, command: Command) => watch(world, command.optsWithGlobals<WatchOptions>()));
}

function readCount(text: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new InvalidArgumentError("Write a number.");
  return Number(text);
}

async function watch(world: World, options: WatchOptions): Promise<void> {
  const profile = await profileOf(world, options);
  const place = `${realmPathOf(profile, options)}/revocations:feed?${new URLSearchParams({ audience: options.audience })}`;
  let left = options.count ?? Number.POSITIVE_INFINITY;
  let position: string | undefined;
  for (let failures = 0; failures < FAILURES_MAX; failures += 1) {
    try {
      for await (const { event, id, data } of connect(profile, place, position)) {
        position = id;
        failures = 0;
        if (event !== "end") continue;
        world.print(JSON.stringify(withoutPrevious(data)));
        left -= 1;
        if (left === 0) return;
      }
    } catch (error) {
      if (error instanceof CliError) throw error;
    }
    await pause(PAUSE_MS);
  }
  throw new CliError("the feed cannot be had any more", { advice: "Is the server there? mayfly doctor" });
}

/** One connection, with a token of its own: what the feed says until it ends. */
async function* connect(profile: Profile, place: string, position: string | undefined) {
  const token = await requestCommandToken(profile, ["tokens:introspect"]);
  const url = `${profile.origin}${place}`;
  const headers = {
    authorization: `Bearer ${token}`,
    ...(position === undefined ? {} : { "last-event-id": position }),
  };
  const response = await fetch(url, { headers, redirect: "manual" });
  if (response.status !== 200 || response.body === null) {
    const text = await response.text();
    const json = parseJson(text);
    const description = textOf(json, "error_description");
    if (response.status === 400 && description !== undefined) throw new CliError(description);
    throw unexpected({ status: response.status, headers: response.headers, text, json }, url);
  }
  for await (const received of readEvents(response.body)) if ("event" in received) yield received;
}

function withoutPrevious(data: string): object {
  const { previous: _, ...told } = Object(parseJson(data));
  return told;
}
