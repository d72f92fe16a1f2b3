import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { applicationPathOf, type CommonOptions, type PlaceOptions, profileOf } from "../command.ts";
import { createManagementClient } from "../management-client.ts";
import { introspect, readToken, readTokenId, sendAsHolder } from "../presented-token.ts";
import type { Profile } from "../profile.ts";
import { correctPlace, describePlace, placeNamed, placeOf, SAY_WHERE, WHICH_PLACE } from "../token-place.ts";
import { findState, tokenIdOf } from "../token-state.ts";
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

/** Revokes a token and says what is known of it. Throws CliError where that is not that it has ended. */
async function revokeHeld(world: World, profile: Profile, options: RevokeOptions): Promise<string> {
  const token = await readToken(world, undefined);
  const asked = placeOf(profile, token, options);
  const before = await introspect(profile, asked.realm, token);
  const place = correctPlace(profile, asked, before.claims);
  const { hasPower } = await sendAsHolder(profile, place, { route: "revoke", form: { token } });
  // RFC 7009 §2.2: the answer is the same for a token that was not this client's to revoke.
  const { claims } = await introspect(profile, place.realm, token);
  if (claims.active === true) throw stillLive("the token is still live: it is of another application");
  if (before.claims.active === true) return "Revoked: the token is not active any more.";
  const state = await findState(profile, place, tokenIdOf(token));
  if (state.kind === "alive") throw stillLive("the token is still live");
  if (state.kind === "dead") return `The token is dead: ${state.cause}.`;
  if (!place.isKnown) {
    const why = `it is now no live token that the profile sees of ${describePlace(place)}. If it is of another, it may still be live`;
    throw new CliError(`it is not known whether the token has ended: ${why}`, { advice: SAY_WHERE });
  }
  if (!hasPower) throw stillLive("the token may still be live: it is of another application");
  return before.isTold ? DEAD_BEFORE : "The token is not active any more.";
}

const DEAD_BEFORE = "The token is not active: it had ended before, or was not valid yet and now never will be.";

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
  if (before.kind === "alive") return "Revoked.";
  if (before.kind === "dead") return `Revoked. The token itself was not active before: ${before.cause}.`;
  if (before.kind === "unseen")
    return `Revoked, if ${describePlace(place)} has such a token: seeing that needs the scope tokens:read.`;
  throw new CliError(`nothing was revoked: ${describePlace(place)} has no such token`, {
    advice: "Name its place (--realm ID --application ID). See its tokens: mayfly token list",
  });
}
