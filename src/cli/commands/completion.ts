import { Argument, type Command } from "commander";
import { COMPLETION_SCRIPTS, complete } from "../completion.ts";
import { readProfiles } from "../profile-store.ts";
import type { World } from "../world.ts";

/** `mayfly completion`, and what its scripts call. */
export function addCompletion(program: Command, world: World): void {
  program
    .command("completion")
    .summary("print a script that completes commands in your shell")
    .description(
      'Prints a completion script.\n\n  bash: eval "$(mayfly completion bash)" in ~/.bashrc\n  zsh:  eval "$(mayfly completion zsh)" in ~/.zshrc, after compinit\n  fish: mayfly completion fish > ~/.config/fish/completions/mayfly.fish',
    )
    .addArgument(new Argument("<shell>", "the shell").choices(Object.keys(COMPLETION_SCRIPTS)))
    .action((shell: keyof typeof COMPLETION_SCRIPTS) => world.print(COMPLETION_SCRIPTS[shell]));
  program
    .command("__complete", { hidden: true })
    .argument("[words...]")
    .action(async (words: string[]) => {
      const profiles = await readProfiles(world).catch(() => new Map());
      const found = complete(program, words, [...profiles.keys()]);
      if (found.length > 0) world.print(found.join("\n"));
    });
}
