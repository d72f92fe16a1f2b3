import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { outputOption, profileOf, show } from "../command.ts";
import { sendForm } from "../http.ts";
import {
  APPLICATION_DECIDES,
  addTokenWishes,
  describeLife,
  describeUses,
  formOf,
  type WantedToken,
} from "../issued-token.ts";
import { listOf, numberOf, objectOf, textOf } from "../json.ts";
import { describeLedger } from "../ledger.ts";
import { issuerOf } from "../profile.ts";
import { formatPairs } from "../table.ts";
import { adviseOnToken, basicOf, refusedToken } from "../token-client.ts";
import type { World } from "../world.ts";

/** `mayfly token preview` */
export function addTokenPreview(parent: Command, world: World): void {
  const command = parent
    .command("preview")
    .summary("say what a token would be, and who decides it, issuing nothing")
    .description(
      "Asks what the profile's application would get for the same options of mayfly token issue. Ends with 1 where that is nothing.",
    );
  addTokenWishes(command, APPLICATION_DECIDES)
    .addOption(outputOption())
    .action((_: unknown, given: Command) => preview(world, given.optsWithGlobals<WantedToken>()));
}

async function preview(world: World, options: WantedToken): Promise<void> {
  const profile = await profileOf(world, options);
  const form = { grant_type: "client_credentials", ...(await formOf(world, profile, options)) };
  const answer = await sendForm(`${issuerOf(profile)}/tokens:preview`, form, { authorization: basicOf(profile) });
  if (answer.status !== 200) throw refusedToken(profile, answer);
  const text = describe(answer.json, numberOf(objectOf(answer.json).claims, "iat") ?? world.clock.nowSeconds());
  show(world, options, { value: answer.json, text });
  if (objectOf(answer.json).granted === true) return;
  const [code, why] = [textOf(answer.json, "error") ?? "", textOf(answer.json, "error_description") ?? ""];
  throw new CliError("such a token would be refused", { advice: adviseOnToken(profile, code, why) });
}

function describe(answer: unknown, now: number): string {
  const lifetime = objectOf(answer).lifetime;
  const ceilings = describeLedger(objectOf(lifetime).ledger);
  if (objectOf(answer).granted !== true) {
    return formatPairs([["granted", "no"], ["because", textOf(answer, "error_description") ?? ""], ...ceilings]);
  }
  const dropped = listOf(answer, "scopes_dropped").map((one): [string, string] => [
    "dropped",
    `${textOf(one, "scope") ?? ""} (${textOf(one, "rule") ?? ""})`,
  ]);
  return formatPairs([
    ["granted", "yes"],
    ...describeLife(answer, now),
    ...describeUses(answer),
    ["scope", textOf(answer, "scope") ?? ""],
    ...dropped,
    ...ceilings,
  ]);
}
