import { type Command, Option } from "commander";
import { type CommonOptions, outputOption, type PlaceOptions, profileOf, realmPathOf, show } from "../command.ts";
import { describeInstant } from "../duration.ts";
import { listOf, numberOf, textOf } from "../json.ts";
import { createManagementClient } from "../management-client.ts";
import { formatTable } from "../table.ts";
import type { World } from "../world.ts";

interface KeyOptions extends CommonOptions, Pick<PlaceOptions, "realm"> {
  readonly algorithm?: string;
}

const ALGORITHMS = ["RS256", "ES256", "PS256", "EdDSA"];

/** `mayfly keys`: list, rotate. */
export function addKeys(program: Command, world: World): void {
  const keys = program.command("keys").summary("list and rotate the signing keys of a realm");
  withOptions(keys.command("list").summary("list the signing keys of a realm")).action((_: unknown, command: Command) =>
    list(world, command.optsWithGlobals<KeyOptions>()),
  );
  withOptions(keys.command("rotate").summary("make the next keys before their time"))
    .description(
      "Makes the next key of each algorithm that the realm uses. It is published at once and signs six minutes later.",
    )
    .addOption(new Option("--algorithm <name>", "only of this one").choices(ALGORITHMS))
    .action((_: unknown, command: Command) => rotate(world, command.optsWithGlobals<KeyOptions>()));
}

function withOptions(command: Command): Command {
  return command.option("--realm <id>", "else the profile's").addOption(outputOption());
}

async function list(world: World, options: KeyOptions): Promise<void> {
  const profile = await profileOf(world, options);
  const path = `${realmPathOf(profile, options)}/keys`;
  const answer = await createManagementClient(profile).call({ method: "GET", path, scopes: ["realms:read"] });
  showKeys(world, options, answer);
}

async function rotate(world: World, options: KeyOptions): Promise<void> {
  const profile = await profileOf(world, options);
  const path = `${realmPathOf(profile, options)}/keys:rotate`;
  const body = JSON.stringify(options.algorithm === undefined ? {} : { algorithm: options.algorithm });
  const answer = await createManagementClient(profile).call({ method: "POST", path, body, scopes: ["realms:update"] });
  showKeys(world, options, answer);
}

function showKeys(world: World, options: KeyOptions, answer: unknown): void {
  const now = world.clock.nowSeconds();
  const rows = listOf(answer, "keys").map((key) => {
    const latest = numberOf(key, "latest_expiry") ?? 0;
    return [
      textOf(key, "id") ?? "",
      textOf(key, "algorithm") ?? "",
      textOf(key, "state") ?? "",
      describeInstant(numberOf(key, "signs_from") ?? 0, now),
      latest === 0 ? "" : describeInstant(latest, now),
    ];
  });
  const text = rows.length === 0 ? "no keys yet: the first token or JWKS makes one" : formatTable(HEADINGS, rows);
  show(world, options, { value: answer, text });
}

const HEADINGS = ["KEY ID", "ALGORITHM", "STATE", "SIGNS FROM", "ALL EXPIRED BY"];
