import type { Command } from "commander";
import { ACCESS_TOKEN, TOKEN_EXCHANGE } from "../../protocol/token-exchange.ts";
import { profileOf } from "../command.ts";
import { addWantedToken, formOf, showIssued, type WantedToken } from "../issued-token.ts";
import { readToken } from "../presented-token.ts";
import { requestToken } from "../token-client.ts";
import type { World } from "../world.ts";

interface ExchangeOptions extends WantedToken {
  readonly audience?: string;
}

/** `mayfly token exchange` */
export function addTokenExchange(parent: Command, world: World): void {
  const command = parent
    .command("exchange")
    .summary("hand a token on, narrower and for less long")
    .description(
      "Reads a token from standard input and exchanges it, as the profile's application, for one that may do less (RFC 8693): its own token, or one of an application that names it in may_be_exchanged_by.\n\nThe new token ends with the one that it was made from.",
    )
    .argument("[token]", "- for standard input; a token itself is not taken here")
    .option("--audience <name>", "for whom it is, of those whom the token is for; else for all of them");
  addWantedToken(command, { life: "as long as the token does", scope: "all that the token has" }).action(
    (argument: string | undefined, _: unknown, given: Command) =>
      exchange(world, argument, given.optsWithGlobals<ExchangeOptions>()),
  );
}

async function exchange(world: World, argument: string | undefined, options: ExchangeOptions): Promise<void> {
  const profile = await profileOf(world, options);
  const answer = await requestToken(profile, {
    grant_type: TOKEN_EXCHANGE,
    subject_token: await readToken(world, argument),
    subject_token_type: ACCESS_TOKEN,
    ...(options.audience === undefined ? {} : { audience: options.audience }),
    ...(await formOf(world, profile, options)),
  });
  await showIssued(world, options, { profile, answer });
}
