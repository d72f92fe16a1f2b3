import type { Command } from "commander";
import { USED_UP } from "../../protocol/token-state.ts";
import { CliError } from "../cli-error.ts";
import { applicationPathOf, type CommonOptions, type PlaceOptions, profileOf } from "../command.ts";
import { numberOf } from "../json.ts";
import { createManagementClient } from "../management-client.ts";
import { introspect, readToken, readTokenId, sendAsHolder } from "../presented-token.ts";
import type { Profile } from "../profile.ts";
import {
  correctPlace,
  describePlace,
  placeNamed,
  placeOf,
  SAY_WHERE,
  type TokenPlace,
  WHICH_PLACE,
} from "../token-place.ts";
import { findState, type TokenState, tokenIdOf } from "../token-state.ts";
import { callWithPower } from "../with-power.ts";
import type { World } from "../world.ts";

type RevokeOptions = CommonOptions & PlaceOptions;

/** `mayfly token revoke` */
export function addTokenRevoke(parent: Command, world: World): void {
  parent
    .command("revoke")
    .summary("end a token now, by itself or by its id")
    .description(
      `Reads a token from standard input and revokes it, or revokes the one with an id that mayfly token list shows.\n\n${WHICH_PLACE} The command ends with 1 where it is not known that the token has ended.`,
    )
    .argument("[id]", "id of a token; - or nothing: the token comes from standard input")
    .option("--realm <id>", "realm of the token")
    .option("--application <id>", "application of the token")
    .action((argument: string | undefined, _: unknown, command: Command) =>
      revoke(world, argument, command.optsWithGlobals<RevokeOptions>()),
    );
}

async function revoke(world: World, argument: string | undefined, options: RevokeOptions): Promise<void> {
  const id = readTokenId(argument);
  const profile = await profileOf(world, options);
  const said = id === undefined ? await revokeHeld(world, profile, options) : await revokeById(profile, options, id);
  world.note(said);
}

/** So long a token that is seen not to be active is left, to learn whether it has ended, just before it is revoked. */
const LEFT_SECONDS = 60;

/** Revokes a token and says what is known of it. Throws CliError where that is not that it has ended. */
async function revokeHeld(world: World, profile: Profile, options: RevokeOptions): Promise<string> {
  const token = await readToken(world, undefined);
  const asked = placeOf(profile, token, options);
  const { claims, isTold } = await introspect(profile, asked.realm, token);
  const place = correctPlace(profile, asked, claims);
  const wasActive = claims.active === true;
  const wasOpen = !wasActive && (await isOpen(profile, place, token));
  const { hasPower } = await sendAsHolder(profile, place, { route: "revoke", form: { token } });
  // RFC 7009 §2.2: the answer is the same for a token that was not this client's to revoke.
  const after = await introspect(profile, place.realm, token);
  if (after.claims.active === true) throw stillLive("the token is still live: it is of another application");
  if (hasPower && wasActive) return "Revoked: the token is not active any more.";
  if (hasPower && wasOpen) return isTold ? "Revoked: the token was not valid yet, and now never will be." : "Revoked.";
  const state = await findState(profile, place, tokenIdOf(token));
  return describeEnd(place, { state, hasPower, wasActive });
}

// Introspection tells a token that is not valid yet, or that the profile may not see, from a text that is none as little as revoking does.
// An earlier end is told (rule 28).
async function isOpen(profile: Profile, place: TokenPlace, token: string): Promise<boolean> {
  const form = { token, expiration_time: String(LEFT_SECONDS) };
  const { json, hasPower } = await sendAsHolder(profile, place, { route: "shorten", form });
  return hasPower && numberOf(json, "exp") !== undefined;
}

/** What was seen of a token that is not active. */
interface Seen {
  readonly state: TokenState;
  /** whether the profile may end it, if it is of the place */
  readonly hasPower: boolean;
  readonly wasActive: boolean;
}

/** What is known of a token that is not active. Throws CliError where that is not that it has ended. */
function describeEnd(place: TokenPlace, { state, hasPower, wasActive }: Seen): string {
  if (state.kind === "dead" && state.cause !== USED_UP) return `The token is dead: ${state.cause}.`;
  if (state.kind === "dead" && !hasPower)
    throw stillLive("the token is used up, but what was exchanged from it may be live: it is of another application");
  if (state.kind !== "none" && state.kind !== "unseen") {
    const is = state.kind === "later" ? "is not valid yet, and will be" : `is ${state.kind}`;
    if (!hasPower) throw stillLive(`the token ${is}`);
    throw new CliError(`nothing was revoked: a token with this id ${is}, but the text is not as it was issued`, {
      advice: "Revoke it by its id: mayfly token revoke ID. See it: mayfly token list",
    });
  }
  if (!place.isKnown) {
    const why = `it is now no live token that the profile sees of ${describePlace(place)}. If it is of another, it may still be live`;
    throw new CliError(`${NOT_KNOWN}: ${why}`, { advice: SAY_WHERE });
  }
  if (!hasPower)
    throw stillLive(
      wasActive
        ? "the token is not active any more, but not by this. What was exchanged from it may be live: it is of another application"
        : "the token may still be live: it is of another application",
    );
  const why = "it was not active before. It had ended, or the text is not as it was issued";
  throw new CliError(`${NOT_KNOWN}: ${why}`, { advice: "A profile that holds tokens:read sees which (--profile)." });
}

const NOT_KNOWN = "it is not known whether the token has ended";

function stillLive(what: string): CliError {
  return new CliError(`${what}, and the profile may not end it`, {
    advice:
      "Use a profile that holds tokens:delete and tokens:introspect (--profile), or that of the token's application.",
  });
}

async function revokeById(profile: Profile, options: RevokeOptions, id: string): Promise<string> {
  const application = applicationPathOf(profile, options);
  const place = placeNamed(profile, options);
  const before = await findState(profile, place, id);
  const path = `${application}/tokens/${id}`;
  await callWithPower(createManagementClient(profile), { method: "DELETE", path, scope: "tokens:delete" });
  if (before.kind === "alive" || before.kind === "later") return "Revoked.";
  if (before.kind === "dead") return `Revoked. The token itself was not active before: ${before.cause}.`;
  if (before.kind === "unseen")
    return `Revoked, if ${describePlace(place)} has such a token: seeing that needs the scope tokens:read.`;
  throw new CliError(`nothing was revoked: ${describePlace(place)} has no such token`, {
    advice: "Name its place (--realm ID --application ID). See its tokens: mayfly token list",
  });
}
