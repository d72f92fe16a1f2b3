import { type Command, InvalidArgumentError, Option } from "commander";
import { type CommonOptions, profileOf, readDuration, show } from "../command.ts";
import { describeDuration, describeInstant } from "../duration.ts";
import { numberOf, objectOf, parseJson, textOf } from "../json.ts";
import { formatPairs } from "../table.ts";
import { refusedToken, requestToken } from "../token-client.ts";
import type { World } from "../world.ts";

interface IssueOptions extends CommonOptions {
  readonly expiresIn?: number;
  readonly scope?: string;
  readonly claims?: string;
  readonly name?: string;
  readonly maxUses?: string;
  readonly notBefore?: number;
}

/** `mayfly token issue` */
export function addTokenIssue(parent: Command, world: World): void {
  parent
    .command("issue")
    .summary("issue a token that lives as long as you say")
    .description(
      "Issues an access token to the profile's application.\n\nIt lives exactly as long as --expires-in says, or is refused with the ceiling that stands in the way. Its audience is the application's resource server.",
    )
    .option(
      "-e, --expires-in <duration>",
      "how long it lives: 15m, 1h, 1h30m, 900 (seconds); else the application's default",
      readDuration,
    )
    .option("-s, --scope <scopes>", "scopes, separated by spaces; else all that the application may have")
    .option("--claims <json>", "custom claims, a JSON object", readClaims)
    .option("--max-uses <count>", "how often it may be used; of referential tokens only")
    .option(
      "--not-before <duration>",
      "from when it is valid, counted from now: 10m; it lives from then on",
      readDuration,
    )
    .option("--name <text>", "a name, by which lists show it")
    .addOption(
      new Option("-o, --output <format>", "how to print it; token is the token alone").choices([
        "table",
        "json",
        "token",
      ]),
    )
    .action((_: unknown, command: Command) => issue(world, command.optsWithGlobals<IssueOptions>()));
}

async function issue(world: World, options: IssueOptions): Promise<void> {
  const profile = await profileOf(world, options);
  const answer = await requestToken(profile, {
    ...(options.expiresIn === undefined ? {} : { expiration_time: String(options.expiresIn) }),
    ...(options.scope === undefined ? {} : { scope: options.scope }),
    ...(options.claims === undefined ? {} : { custom_claims: options.claims }),
    ...(options.maxUses === undefined ? {} : { max_uses: options.maxUses }),
    ...(options.notBefore === undefined ? {} : { not_before: String(world.clock.nowSeconds() + options.notBefore) }),
    ...(options.name === undefined ? {} : { token_name: options.name }),
  });
  const token = textOf(answer.json, "access_token");
  if (answer.status !== 200 || token === undefined) throw refusedToken(profile, answer);
  if (options.output === "token") return world.print(token);
  show(world, options, { value: answer.json, text: describeToken(answer.json, world.clock.nowSeconds()) });
}

function describeToken(response: unknown, now: number): string {
  const seconds = numberOf(response, "expires_in") ?? 0;
  const lifetime = objectOf(response).lifetime;
  const [requested, maximum] = [numberOf(lifetime, "requested"), numberOf(lifetime, "maximum")];
  const isLowered = requested !== undefined && requested > seconds;
  return formatPairs([
    ["type", textOf(response, "token_type") ?? ""],
    ["lives", `${describeDuration(seconds)}${isLowered ? `, not the ${describeDuration(requested)} asked for` : ""}`],
    ["expires", describeInstant(now + seconds, now)],
    ...(maximum === undefined
      ? []
      : [
          [
            "at most",
            `${describeDuration(maximum)}, set by the ${(textOf(lifetime, "limited_by") ?? "").replace("_", " ")}`,
          ] as const,
        ]),
    ["scope", textOf(response, "scope") ?? ""],
    ["token", textOf(response, "access_token") ?? ""],
  ]);
}

function readClaims(text: string): string {
  const value = parseJson(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return text;
  throw new InvalidArgumentError(`Write a JSON object like '{"build": "1234"}'.`);
}
