import { type Command, InvalidArgumentError } from "commander";
import {
  applicationPathOf,
  type CommonOptions,
  outputOption,
  type PlaceOptions,
  profileOf,
  readDuration,
  show,
} from "../command.ts";
import { describeDuration } from "../duration.ts";
import { listOf, numberOf, objectOf, textOf } from "../json.ts";
import { createManagementClient } from "../management-client.ts";
import { formatPairs, formatTable } from "../table.ts";
import { callWithPower } from "../with-power.ts";
import type { World } from "../world.ts";

interface UsageOptions extends CommonOptions, PlaceOptions {
  readonly days?: number;
  /** true: what is recommended */
  readonly apply?: number | true;
}

/** `mayfly token usage` */
export function addTokenUsage(parent: Command, world: World): void {
  parent
    .command("usage")
    .summary("show how long tokens are used, and make their default lifetime fit")
    .description(
      "Shows how long after their issue an application's tokens were used, and which default lifetime would be enough.\n\nWith --apply it becomes the default lifetime, or the one that is named does. The ceiling stays, and what a request asks for.",
    )
    .option("--realm <id>", "realm of the application")
    .option("--application <id>", "else the profile's")
    .option("--days <number>", "how many days to look at, 1 to 90; else 30", readDays)
    .option(
      "--apply [duration]",
      "make it the default lifetime: what is recommended, or 15m, 1h, 900 (seconds)",
      readDuration,
    )
    .addOption(outputOption())
    .action((_: unknown, command: Command) => usage(world, command.optsWithGlobals<UsageOptions>()));
}

async function usage(world: World, options: UsageOptions): Promise<void> {
  const profile = await profileOf(world, options);
  const path = `${applicationPathOf(profile, options)}/token-usage`;
  const client = createManagementClient(profile);
  const { days, apply } = options;
  if (apply === undefined) {
    const query = days === undefined ? "" : `?days=${days}`;
    const answer = await client.call({ method: "GET", path: `${path}${query}`, scopes: ["tokens:read"] });
    return show(world, options, { value: answer, text: describe(answer) });
  }
  const body = JSON.stringify({
    ...(days === undefined ? {} : { days }),
    ...(apply === true ? {} : { default_expires_after: apply }),
  });
  const asked = { method: "POST", path: `${path}:apply`, body, scope: "applications:update" } as const;
  const answer = await callWithPower(client, asked);
  show(world, options, { value: answer, text: describeChange(answer) });
}

function describe(answer: unknown): string {
  const { all } = objectOf(answer);
  const exposure = objectOf(objectOf(all).unused_exposure);
  const recommended = numberOf(all, "recommended_lifetime");
  const summary: [string, string][] = [
    ["days", String(numberOf(answer, "days") ?? "")],
    ["default lifetime", describeDuration(numberOf(all, "default_lifetime") ?? 0)],
    [
      "recommended",
      recommended === undefined
        ? (REASONS[textOf(all, "no_recommendation") ?? ""] ?? "")
        : describeDuration(recommended),
    ],
  ];
  if (recommended !== undefined) {
    const share = Math.round((numberOf(exposure, "share") ?? 0) * 1_000) / 10;
    summary.push(["unused exposure", `${share} % of the token time that was granted`]);
    summary.push(["later uses", `${numberOf(all, "later_uses") ?? 0} of ${numberOf(all, "uses_seen") ?? 0}`]);
  }
  const rows = [
    { name: "(all)", usage: all },
    ...listOf(answer, "scopes").map((one) => ({ name: textOf(one, "scope") ?? "", usage: one })),
  ];
  return `${formatPairs(summary)}\n\n${formatTable(
    HEADINGS,
    rows.map(({ name, usage }) => describeRow(name, usage)),
  )}`;
}

const HEADINGS = ["SCOPE", "ISSUED", "LIFETIME P50", "USES", "AGE P50", "AGE P99", "LATEST", "RECOMMENDED"];
const REASONS: Readonly<Record<string, string>> = {
  too_few_uses: "nothing yet: too few uses were seen",
  nothing_shorter: "nothing shorter than the default lifetime that is set",
};

function describeRow(name: string, usage: unknown): string[] {
  const { granted_lifetime, age_at_use } = objectOf(usage);
  const seconds = (of: unknown, member: string) => {
    const value = numberOf(of, member);
    return value === undefined ? "" : describeDuration(value);
  };
  return [
    name,
    String(numberOf(usage, "tokens_issued") ?? 0),
    seconds(granted_lifetime, "p50"),
    String(numberOf(usage, "uses_seen") ?? 0),
    seconds(age_at_use, "p50"),
    seconds(age_at_use, "p99"),
    seconds(age_at_use, "max"),
    seconds(usage, "recommended_lifetime"),
  ];
}

function describeChange(answer: unknown): string {
  const previous = numberOf(answer, "previous_default_expires_after");
  return formatPairs([
    ["default lifetime", describeDuration(numberOf(answer, "default_expires_after") ?? 0)],
    ["before", previous === undefined ? "as long as the application's ceiling" : describeDuration(previous)],
  ]);
}

function readDays(text: string): number {
  if (/^([1-9]|[1-8][0-9]|90)$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Write a whole number from 1 to 90.");
}
