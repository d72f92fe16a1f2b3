import { type Command, InvalidArgumentError, Option } from "commander";
import { type CommonOptions, formatOf, readDuration, show } from "./command.ts";
import { describeDuration, describeInstant } from "./duration.ts";
import type { Answer } from "./http.ts";
import { numberOf, objectOf, parseJson, textOf } from "./json.ts";
import type { Profile } from "./profile.ts";
import { formatPairs } from "./table.ts";
import { askTenantNow, refusedToken } from "./token-client.ts";
import { issuedAt } from "./token-place.ts";
import type { World } from "./world.ts";

/** What is asked of a token that is to be issued. */
export interface WantedToken extends CommonOptions {
  readonly expiresIn?: number;
  readonly scope?: string;
  readonly claims?: string;
  readonly name?: string;
  readonly maxUses?: string;
  readonly notBefore?: number;
}

/** What a token has that asks for no life or no scope of its own. */
interface Otherwise {
  readonly life: string;
  readonly scope: string;
}

/** A token for the application of the profile. */
export const APPLICATION_DECIDES: Otherwise = {
  life: "the application's default",
  scope: "all that the application may have",
};

/** Adds the options of a command that issues a token. */
export function addWantedToken(command: Command, otherwise: Otherwise): Command {
  return addTokenWishes(command, otherwise).addOption(
    new Option("-o, --output <format>", "how to print it; token is the token alone").choices([
      "table",
      "json",
      "token",
    ]),
  );
}

/** Adds the options that say what is asked of a token. */
export function addTokenWishes(command: Command, otherwise: Otherwise): Command {
  return command
    .option(
      "-e, --expires-in <duration>",
      `how long it lives: 15m, 1h, 1h30m, 900 (seconds); else ${otherwise.life}`,
      readDuration,
    )
    .option("-s, --scope <scopes>", `scopes, separated by spaces; else ${otherwise.scope}`)
    .option("--claims <json>", "custom claims, a JSON object", readClaims)
    .option("--max-uses <count>", "how often it may be used; of referential tokens only")
    .option(
      "--not-before <duration>",
      "from when it is valid, counted from now: 10m; it lives from then on",
      readDuration,
    )
    .option("--name <text>", "a name, by which lists show it");
}

/** The parameters of a token request that those options are: what counts from now does so by the tenant's clock. */
export async function formOf(
  world: World,
  profile: Profile,
  wanted: WantedToken,
): Promise<Readonly<Record<string, string>>> {
  const tenantNow = wanted.notBefore === undefined ? undefined : await askTenantNow(profile);
  const now = tenantNow ?? world.clock.nowSeconds();
  return {
    ...(wanted.expiresIn === undefined ? {} : { expiration_time: String(wanted.expiresIn) }),
    ...(wanted.scope === undefined ? {} : { scope: wanted.scope }),
    ...(wanted.claims === undefined ? {} : { custom_claims: wanted.claims }),
    ...(wanted.maxUses === undefined ? {} : { max_uses: wanted.maxUses }),
    ...(wanted.notBefore === undefined ? {} : { not_before: String(now + wanted.notBefore) }),
    ...(wanted.name === undefined ? {} : { token_name: wanted.name }),
  };
}

/** Prints the token of an answer. Throws CliError for a refusal. */
export async function showIssued(
  world: World,
  wanted: WantedToken,
  of: { readonly profile: Profile; readonly answer: Answer },
): Promise<void> {
  const { json, status } = of.answer;
  const token = textOf(json, "access_token");
  if (status !== 200 || token === undefined) throw refusedToken(of.profile, of.answer);
  if (wanted.output === "token") return world.print(token);
  if (formatOf(world, wanted) === "json") return show(world, wanted, { value: json, text: "" });
  const now = issuedAt(token) ?? (await askTenantNow(of.profile)) ?? world.clock.nowSeconds();
  show(world, wanted, { value: json, text: describeToken(json, { now, wanted }) });
}

function describeToken(response: unknown, { now, wanted }: { now: number; wanted: WantedToken }): string {
  const lifetime = objectOf(response).lifetime;
  const maximum = numberOf(lifetime, "maximum");
  return formatPairs([
    ["type", textOf(response, "token_type") ?? ""],
    ...describeLife(response, now),
    ["expires", describeInstant(now + (numberOf(response, "expires_in") ?? 0), now)],
    ...(maximum === undefined
      ? []
      : [
          [
            "at most",
            `${describeDuration(maximum)}, set by the ${(textOf(lifetime, "limited_by") ?? "").replace("_", " ")}`,
          ] as const,
        ]),
    ...describeUses(response),
    ["scope", textOf(response, "scope") ?? ""],
    ...describeDropped(textOf(response, "scope") ?? "", wanted.scope ?? ""),
    ["token", textOf(response, "access_token") ?? ""],
  ]);
}

/** How often a token may be used, where that is bounded. */
export function describeUses(answer: unknown): readonly (readonly [string, string])[] {
  const uses = numberOf(answer, "max_uses");
  return uses === undefined ? [] : [["uses", String(uses)]];
}

/** RFC 6749 §3.3: a token may have less than was asked for. */
function describeDropped(granted: string, asked: string): readonly (readonly [string, string])[] {
  const has = new Set(granted.split(" "));
  const dropped = [...new Set(asked.split(" "))].filter((scope) => scope !== "" && !has.has(scope));
  return dropped.length === 0 ? [] : [["dropped", `${dropped.join(" ")} (asked for, and not granted)`]];
}

/**
 * How long a token lives by an answer, and from when if not from now on: `expires_in` counts from now in any case.
 *
 * @param now seconds since 1970
 */
export function describeLife(answer: unknown, now: number): readonly (readonly [string, string])[] {
  const { lifetime } = objectOf(answer);
  const notBefore = numberOf(answer, "not_before");
  const requested = numberOf(lifetime, "requested");
  const seconds =
    numberOf(lifetime, "granted") ?? (notBefore === undefined ? numberOf(answer, "expires_in") : undefined);
  const isLowered = seconds !== undefined && requested !== undefined && requested > seconds;
  const wanted = isLowered ? `, not the ${describeDuration(requested)} asked for` : "";
  return [
    ...(seconds === undefined ? [] : [["lives", `${describeDuration(seconds)}${wanted}`] as const]),
    ...(notBefore === undefined ? [] : [["valid from", describeInstant(notBefore, now)] as const]),
  ];
}

function readClaims(text: string): string {
  const value = parseJson(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return text;
  throw new InvalidArgumentError(`Write a JSON object like '{"build": "1234"}'.`);
}
