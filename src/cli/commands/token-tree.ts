import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { applicationPathOf, type CommonOptions, outputOption, type PlaceOptions, profileOf, show } from "../command.ts";
import { describeUntil } from "../duration.ts";
import { listOf, numberOf, objectOf, textOf } from "../json.ts";
import { createManagementClient } from "../management-client.ts";
import { isTokenId } from "../presented-token.ts";
import { formatTable } from "../table.ts";
import type { World } from "../world.ts";

type TreeOptions = CommonOptions & PlaceOptions;

/** Most pages that are read. */
const PAGES_MAX = 100;

/** `mayfly token tree` */
export function addTokenTree(parent: Command, world: World): void {
  parent
    .command("tree")
    .summary("show what descends from a token")
    .description(
      "Shows a token and all that was refreshed and exchanged from it: until when each lives, or why it is dead.",
    )
    .argument("<id>", "id of a token or grant, as mayfly token list shows it")
    .option("--realm <id>", "realm of the application")
    .option("--application <id>", "application of the token; else the profile's")
    .addOption(outputOption())
    .action((id: string, _: unknown, command: Command) => tree(world, id, command.optsWithGlobals<TreeOptions>()));
}

async function tree(world: World, id: string, options: TreeOptions): Promise<void> {
  if (!isTokenId(id)) throw new CliError("this is no token's id", { advice: "See them: mayfly token list" });
  const profile = await profileOf(world, options);
  const path = `${applicationPathOf(profile, options)}/tokens/${id}/tree`;
  const client = createManagementClient(profile);
  const tokens: unknown[] = [];
  let query = "";
  for (let page = 0; page < PAGES_MAX && (page === 0 || query !== ""); page += 1) {
    const answer = await client.call({ method: "GET", path: `${path}${query}`, scopes: ["tokens:read"] });
    tokens.push(...listOf(answer, "tokens"));
    const next = textOf(answer, "next_page_token");
    query = next === undefined ? "" : `?page_token=${next}`;
  }
  if (query !== "") world.note(`More than ${tokens.length} descend from it: only these are shown.`);
  show(world, options, { value: { tokens }, text: describe(tokens, client.tenantNow() ?? world.clock.nowSeconds()) });
}

function describe(tokens: readonly unknown[], now: number): string {
  const rows = inTreeOrder(tokens).map(({ token, depth }) => {
    const ends = describeUntil(numberOf(token, "expires") ?? 0, now);
    return [
      `${"  ".repeat(depth)}${textOf(token, "id") ?? ""}`,
      textOf(token, "grant_type")?.split(":").at(-1) ?? textOf(token, "token_type") ?? "",
      textOf(token, "application_id") ?? "",
      objectOf(token).alive === true ? `lives ${ends}` : (textOf(token, "cause") ?? "dead"),
    ];
  });
  return formatTable(["ID", "MADE BY", "APPLICATION", "STATE"], rows);
}

interface Placed {
  readonly token: unknown;
  readonly depth: number;
}

/** Each token behind its parent, as deep as it descends; one whose parent is not there stands as the first does. */
function inTreeOrder(tokens: readonly unknown[]): readonly Placed[] {
  const known = new Set(tokens.map((token) => textOf(token, "id")));
  const below = Map.groupBy(tokens, (token) => {
    const parent = textOf(token, "parent_id");
    return known.has(parent) ? parent : undefined;
  });
  const placed: Placed[] = [];
  const waiting = (below.get(undefined) ?? []).map((token) => ({ token, depth: 0 })).toReversed();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    placed.push(next);
    const { depth } = next;
    const children = below.get(textOf(next.token, "id") ?? "") ?? [];
    waiting.push(...children.map((token) => ({ token, depth: depth + 1 })).toReversed());
  }
  return placed;
}
