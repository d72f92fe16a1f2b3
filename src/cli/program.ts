import { Command } from "commander";
import { addApply } from "./commands/apply.ts";
import { addCompletion } from "./commands/completion.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addExport } from "./commands/export.ts";
import { addKeys } from "./commands/keys.ts";
import { addLogin } from "./commands/login.ts";
import { addToken } from "./commands/token.ts";
import type { World } from "./world.ts";

const COMMANDS = [addLogin, addToken, addApply, addExport, addKeys, addDoctor, addCompletion];

/** Everything that `mayfly` can do besides starting the server, which the launcher does. */
export function createProgram(world: World, version: string): Command {
  const program = new Command("mayfly")
    .description("Mayfly: tokens that live exactly as long as you say. Without a command the server is started.")
    .version(version)
    .option("--profile <name>", "whose credentials to use (MAYFLY_CLI_PROFILE, or default)")
    .helpCommand(false)
    .showHelpAfterError("(mayfly … --help says what there is)")
    .exitOverride()
    .configureOutput({ writeErr: (text) => world.note(text.trimEnd()) });
  program.command("start").summary("start the server (--dry-run: only say what its declarative file would change)");
  for (const add of COMMANDS) add(program, world);
  for (const command of program.commands) inheritSettings(command, program);
  return program;
}

function inheritSettings(command: Command, from: Command): void {
  command.copyInheritedSettings(from);
  for (const below of command.commands) inheritSettings(below, command);
}
