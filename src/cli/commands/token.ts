import type { Command } from "commander";
import type { World } from "../world.ts";
import { addTokenInspect } from "./token-inspect.ts";
import { addTokenIssue } from "./token-issue.ts";
import { addTokenList } from "./token-list.ts";
import { addTokenRevoke } from "./token-revoke.ts";
import { addTokenUsage } from "./token-usage.ts";

/** `mayfly token`: issue, inspect, revoke, list, usage. */
export function addToken(program: Command, world: World): void {
  const token = program.command("token").summary("issue, inspect, revoke and list tokens, and see how they are used");
  for (const add of [addTokenIssue, addTokenInspect, addTokenRevoke, addTokenList, addTokenUsage]) add(token, world);
}
