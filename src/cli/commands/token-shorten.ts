import type { Command } from "commander";
import { USED_UP } from "../../protocol/token-state.ts";
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
import { introspect, readToken, readTokenId, sendAsHolder } from "../presented-token.ts";
import type { Profile } from "../profile.ts";
import { formatPairs } from "../table.ts";
import { correctPlace, describePlace, placeOf, SAY_WHERE, type TokenPlace, WHICH_PLACE } from "../token-place.ts";
import { findState, type TokenState, tokenIdOf } from "../token-state.ts";
import { callWithPower } from "../with-power.ts";
import type { World } from "../world.ts";

type ShortenOptions = CommonOptions & PlaceOptions & { readonly expiresIn: number };

/** `mayfly token shorten` */
export function addTokenShorten(parent: Command, world: World): void {
  parent
    .command("shorten")
    .summary("give a token an earlier end, by itself or by its id")
    .description(
      `Reads a token from standard input, or takes the id that mayfly token list shows, and lets it live no longer than that from now on. All that descends from it ends with it. It never lives longer by this.\n\n${WHICH_PLACE}`,
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
  const id = readTokenId(argument);
  const profile = await profileOf(world, options);
  const end =
    id === undefined
      ? await shortenHeld(world, profile, options)
      : await shortenById(world, profile, { ...options, id });
  const now = end.exp - end.expires_in;
  show(world, options, {
    value: end,
    text: formatPairs([
      ["expires", describeInstant(end.exp, now)],
      ["lives", describeDuration(end.expires_in)],
    ]),
  });
}

/** When a token ends, and how far that is by the tenant's clock. */
interface End {
  readonly exp: number;
  readonly expires_in: number;
}

async function shortenById(
  world: World,
  profile: Profile,
  asked: ShortenOptions & { readonly id: string },
): Promise<End> {
  const path = `${applicationPathOf(profile, asked)}/tokens/${asked.id}:shorten`;
  const body = JSON.stringify({ expiration_time: asked.expiresIn });
  const client = createManagementClient(profile);
  const answer = await callWithPower(client, { method: "POST", path, body, scope: "tokens:delete" });
  const exp = numberOf(answer, "expires");
  if (exp === undefined) throw new CliError("the server does not say when the token ends");
  // That time is of just before, and a second may have begun since.
  const left = exp - (client.tenantNow() ?? world.clock.nowSeconds());
  return { exp, expires_in: Math.min(left, asked.expiresIn) };
}

async function shortenHeld(world: World, profile: Profile, options: ShortenOptions): Promise<End> {
  const token = await readToken(world, undefined);
  const form = { token, expiration_time: String(options.expiresIn) };
  const asked = placeOf(profile, token, options);
  const place = asked.isKnown
    ? asked
    : correctPlace(profile, asked, (await introspect(profile, asked.realm, token)).claims);
  const { json, hasPower } = await sendAsHolder(profile, place, { route: "shorten", form });
  const [exp, seconds] = [numberOf(json, "exp"), numberOf(json, "expires_in")];
  if (exp !== undefined && seconds !== undefined) return { exp, expires_in: seconds };
  const state = await findState(profile, place, tokenIdOf(token));
  const end = hasPower ? findEndOfUsedUp(state, options.expiresIn) : undefined;
  if (end === undefined) throw nothingShortened(place, { state, hasPower });
  world.note("The token is used up. What was exchanged from it ends by then.");
  return end;
}

/** When a token that was used up ends, and with it what was exchanged from it: undefined where that is not by what was asked. */
function findEndOfUsedUp(state: TokenState, expiresIn: number): End | undefined {
  if (state.kind !== "dead" || state.cause !== USED_UP || state.now === undefined) return undefined;
  const expires_in = state.expires - state.now;
  return expires_in <= expiresIn ? { exp: state.expires, expires_in } : undefined;
}

function nothingShortened(place: TokenPlace, { state, hasPower }: { state: TokenState; hasPower: boolean }): CliError {
  const nothing = "nothing was shortened";
  if (state.kind === "dead") return new CliError(`${nothing}: the token is dead: ${state.cause}`);
  const lives = state.kind === "alive" || state.kind === "later";
  if (lives && hasPower)
    return new CliError(`${nothing}: ${OTHER_TEXT}`, { advice: "Shorten it by its id: mayfly token shorten ID" });
  if (!place.isKnown && !lives) {
    const why = `it is no live token of ${describePlace(place)}. It has ended, or is of another`;
    return new CliError(`${nothing}: ${why}`, { advice: SAY_WHERE });
  }
  if (hasPower) return new CliError(`the token got no other end: ${UNSEEN}`);
  return new CliError(`${nothing}: it is of another application, and the profile may not shorten it`, {
    advice: "Use a profile that holds tokens:delete (--profile), or that of the token's application.",
  });
}

const OTHER_TEXT =
  "a token with this id is not dead, but the text is not as it was issued, or that of a refresh token that is spent";
const UNSEEN =
  "it has expired, was revoked, or the text is not as it was issued. Or it is used up: then what was exchanged from it ends by then";
