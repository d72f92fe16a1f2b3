import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import {
  applicationPathOf,
  type CommonOptions,
  outputOption,
  type PlaceOptions,
  profileOf,
  readDuration,
  show,
} from "../command.ts";
import { describeDuration, describeInstant } from "../duration.ts";
import { numberOf } from "../json.ts";
import { createManagementClient } from "../management-client.ts";
import { isTokenId, placeOf, readToken, sendAsHolder } from "../presented-token.ts";
import type { Profile } from "../profile.ts";
import { formatPairs } from "../table.ts";
import type { World } from "../world.ts";

type ShortenOptions = CommonOptions & PlaceOptions & { readonly expiresIn: number };

/** `mayfly token shorten` */
export function addTokenShorten(parent: Command, world: World): void {
  parent
    .command("shorten")
    .summary("give a token an earlier end, by itself or by its id")
    .description(
      "Reads a token from standard input, or takes the id that mayfly token list shows, and lets it live no longer than that from now on. All that descends from it ends with it. It never lives longer by this.",
    )
    .argument("[id]", "id of a token; - or nothing: the token comes from standard input")
    .requiredOption(
      "-e, --expires-in <duration>",
      "how long it may live from now on: 15m, 1h, 900 (seconds)",
      readDuration,
    )
    .option("--realm <id>", "realm of the token")
    .option("--application <id>", "application of the token")
    .addOption(outputOption())
    .action((argument: string | undefined, _: unknown, command: Command) =>
      shorten(world, argument, command.optsWithGlobals<ShortenOptions>()),
    );
}

async function shorten(world: World, argument: string | undefined, options: ShortenOptions): Promise<void> {
  const profile = await profileOf(world, options);
  const exp = isTokenId(argument)
    ? await shortenById(profile, { ...options, id: argument })
    : await shortenHeld(profile, await readToken(world, argument), options);
  const now = world.clock.nowSeconds();
  show(world, options, {
    value: { exp, expires_in: exp - now },
    text: formatPairs([
      ["expires", describeInstant(exp, now)],
      ["lives", describeDuration(exp - now)],
    ]),
  });
}

async function shortenById(profile: Profile, asked: ShortenOptions & { readonly id: string }): Promise<number> {
  const path = `${applicationPathOf(profile, asked)}/tokens/${asked.id}:shorten`;
  const body = JSON.stringify({ expiration_time: asked.expiresIn });
  const answer = await createManagementClient(profile).call({ method: "POST", path, body, scopes: ["tokens:delete"] });
  return endOf(numberOf(answer, "expires"));
}

async function shortenHeld(profile: Profile, token: string, options: ShortenOptions): Promise<number> {
  const form = { token, expiration_time: String(options.expiresIn) };
  const answer = await sendAsHolder(profile, { ...placeOf(profile, token, options), route: "shorten", form });
  return endOf(numberOf(answer.json, "exp"));
}

function endOf(exp: number | undefined): number {
  if (exp !== undefined) return exp;
  throw new CliError("nothing was shortened: the token is not live, or it is another application's", {
    advice: "See what it is: mayfly token inspect",
  });
}
