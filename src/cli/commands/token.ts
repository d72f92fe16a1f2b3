import type { Command } from "commander";
import type { World } from "../world.ts";
import { addTokenExchange } from "./token-exchange.ts";
import { addTokenInspect } from "./token-inspect.ts";
import { addTokenIssue } from "./token-issue.ts";
import { addTokenList } from "./token-list.ts";
import { addTokenPreview } from "./token-preview.ts";
import { addTokenRevoke } from "./token-revoke.ts";
import { addTokenRevokeMany } from "./token-revoke-many.ts";
import { addTokenShorten } from "./token-shorten.ts";
import { addTokenTree } from "./token-tree.ts";
import { addTokenUsage } from "./token-usage.ts";
import { addTokenWatch } from "./token-watch.ts";

const COMMANDS = [
  addTokenIssue,
  addTokenPreview,
  addTokenExchange,
  addTokenInspect,
  addTokenRevoke,
  addTokenRevokeMany,
  addTokenShorten,
  addTokenList,
  addTokenTree,
  addTokenUsage,
  addTokenWatch,
];

/** `mayfly token`, what is done with tokens. */
export function addToken(program: Command, world: World): void {
  const token = program
    .command("token")
    .summary(
      "issue, preview, exchange, inspect, revoke, shorten and list tokens; see how they are used and when they end",
    );
  for (const add of COMMANDS) add(token, world);
}
