import { type Command, InvalidArgumentError } from "commander";
import { applicationPathOf, type CommonOptions, outputOption, type PlaceOptions, profileOf, show } from "../command.ts";
import { describeInstant } from "../duration.ts";
import { listOf, numberOf, textOf } from "../json.ts";
import { createManagementClient } from "../management-client.ts";
import { formatTable } from "../table.ts";
import type { World } from "../world.ts";

interface ListOptions extends CommonOptions, PlaceOptions {
  readonly limit: number;
  readonly identity?: string;
}

const LIMIT = 1_000;
const PAGE_SIZE = 100;
const SCOPES_LENGTH_MAX = 60;

/** `mayfly token list` */
export function addTokenList(parent: Command, world: World): void {
  parent
    .command("list")
    .summary("list the live tokens of an application")
    .option("--realm <id>", "realm of the application")
    .option("--application <id>", "else the profile's")
    .option("--identity <id>", "only those of one person")
    .option("--limit <number>", "how many at most", readLimit, LIMIT)
    .addOption(outputOption())
    .action((_: unknown, command: Command) => list(world, command.optsWithGlobals<ListOptions>()));
}

async function list(world: World, options: ListOptions): Promise<void> {
  const profile = await profileOf(world, options);
  const path = `${applicationPathOf(profile, options)}/tokens`;
  const client = createManagementClient(profile);
  const tokens: unknown[] = [];
  let total = 0;
  let pageToken: string | undefined;
  do {
    const query = new URLSearchParams({
      page_size: String(Math.min(PAGE_SIZE, options.limit - tokens.length)),
      ...(pageToken === undefined ? {} : { page_token: pageToken }),
      ...(options.identity === undefined ? {} : { principal_type: "identity", principal_id: options.identity }),
    });
    const page = await client.call({ method: "GET", path: `${path}?${query}`, scopes: ["tokens:read"] });
    tokens.push(...listOf(page, "tokens"));
    total = numberOf(page, "total_size") ?? tokens.length;
    pageToken = textOf(page, "next_page_token");
  } while (pageToken !== undefined && tokens.length < options.limit);
  show(world, options, {
    value: { tokens, total_size: total },
    text: describe(tokens, client.tenantNow() ?? world.clock.nowSeconds()),
  });
  if (tokens.length < total) world.note(`${tokens.length} of ${total} are shown: --limit ${total} shows all.`);
}

function describe(tokens: readonly unknown[], now: number): string {
  const rows = tokens.map((token) => [
    textOf(token, "id") ?? "",
    textOf(token, "display_name") ?? "",
    textOf(token, "token_type") ?? "",
    `…${textOf(token, "token_suffix") ?? ""}`,
    describeInstant(numberOf(token, "expires") ?? 0, now),
    shorten(listOf(token, "scopes").join(" ")),
  ]);
  return formatTable(["ID", "NAME", "TYPE", "SUFFIX", "EXPIRES", "SCOPES"], rows);
}

// The management API has 63 scopes; JSON shows all of them.
function shorten(scopes: string): string {
  return scopes.length <= SCOPES_LENGTH_MAX ? scopes : `${scopes.slice(0, SCOPES_LENGTH_MAX)}…`;
}

function readLimit(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError("Write a whole number of at least 1.");
  return Number(text);
}
