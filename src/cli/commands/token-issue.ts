import type { Command } from "commander";
import { profileOf } from "../command.ts";
import { APPLICATION_DECIDES, addWantedToken, formOf, showIssued, type WantedToken } from "../issued-token.ts";
import { requestToken } from "../token-client.ts";
import type { World } from "../world.ts";

/** `mayfly token issue` */
export function addTokenIssue(parent: Command, world: World): void {
  const command = parent
    .command("issue")
    .summary("issue a token that lives as long as you say")
    .description(
      "Issues an access token to the profile's application.\n\nIt lives exactly as long as --expires-in says, or is refused with the ceiling that stands in the way. Its audience is the application's resource server.",
    );
  addWantedToken(command, APPLICATION_DECIDES).action((_: unknown, given: Command) =>
    issue(world, given.optsWithGlobals<WantedToken>()),
  );
}

async function issue(world: World, options: WantedToken): Promise<void> {
  const profile = await profileOf(world, options);
  const answer = await requestToken(profile, await formOf(world, profile, options));
  await showIssued(world, options, { profile, answer });
}
