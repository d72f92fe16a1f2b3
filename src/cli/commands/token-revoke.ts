import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { applicationPathOf, type CommonOptions, type PlaceOptions, profileOf } from "../command.ts";
import { createManagementClient } from "../management-client.ts";
import { introspect, isTokenId, placeOf, readToken, sendAsHolder } from "../presented-token.ts";
import type { Profile } from "../profile.ts";
import type { World } from "../world.ts";

type RevokeOptions = CommonOptions & PlaceOptions;

/** `mayfly token revoke` */
export function addTokenRevoke(parent: Command, world: World): void {
  parent
    .command("revoke")
    .summary("end a token now, by itself or by its id")
    .description(
      "Reads a token from standard input and revokes it, or revokes the one with an id that mayfly token list shows.",
    )
    .argument("[id]", "id of a token; - or nothing: the token comes from standard input")
    .option("--realm <id>", "realm of the token")
    .option("--application <id>", "application of the token")
    .action((argument: string | undefined, _: unknown, command: Command) =>
      revoke(world, argument, command.optsWithGlobals<RevokeOptions>()),
    );
}

async function revoke(world: World, argument: string | undefined, options: RevokeOptions): Promise<void> {
  const profile = await profileOf(world, options);
  if (isTokenId(argument)) return revokeById(world, profile, { ...options, id: argument });
  const token = await readToken(world, argument);
  const { realm, application } = placeOf(profile, token, options);
  const before = await introspect(profile, realm, token);
  await sendAsHolder(profile, { realm, application, route: "revoke", form: { token } });
  // RFC 7009 §2.2: the answer is the same for a token that was not this client's to revoke.
  const { claims, isCertain } = await introspect(profile, realm, token);
  const wasSeen = before.claims.active === true;
  if (claims.active !== true && (isCertain || wasSeen)) return world.note("Revoked: the token is not active any more.");
  throw new CliError(
    claims.active === true
      ? "the token is still live: it is of another application, and the profile may not end it"
      : "the token may still be live: it may be another application's, which the profile may neither see nor end",
    {
      advice:
        "Use a profile that holds tokens:delete and tokens:introspect (--profile), or that of the token's application.",
    },
  );
}

async function revokeById(
  world: World,
  profile: Profile,
  { id, ...place }: PlaceOptions & { readonly id: string },
): Promise<void> {
  const path = `${applicationPathOf(profile, place)}/tokens/${id}`;
  await createManagementClient(profile).call({ method: "DELETE", path, scopes: ["tokens:delete"] });
  world.note("Revoked, if the application has such a token.");
}
