import type { Command } from "commander";

/**
 * What may follow on a command line.
 *
 * @param words what was typed after the program's name; the last one is not finished, and may be empty
 * @param profiles names for `--profile`
 */
export function complete(program: Command, words: readonly string[], profiles: readonly string[]): string[] {
  const typed = words.at(-1) ?? "";
  let command = program;
  let before: string | undefined;
  for (const word of words.slice(0, -1)) {
    command = command.commands.find((candidate) => candidate.name() === word) ?? command;
    before = word;
  }
  const option = optionsOf(command).find(
    ({ short, long }) => before !== undefined && (short === before || long === before),
  );
  if (option !== undefined && (option.required || option.optional)) {
    const values = option.long === "--profile" ? profiles : (option.argChoices ?? []);
    return values.filter((value) => value.startsWith(typed));
  }
  const options = optionsOf(command).flatMap((candidate) => (candidate.hidden ? [] : (candidate.long ?? [])));
  const names = command.commands.filter(isShown).map((candidate) => candidate.name());
  const candidates = typed.startsWith("-") ? [...options, "--help"] : names;
  return candidates.filter((candidate) => candidate.startsWith(typed));
}

function isShown(command: Command): boolean {
  return !command.name().startsWith("_");
}

function optionsOf(command: Command): Command["options"] {
  return [...command.options, ...(command.parent === null ? [] : optionsOf(command.parent))];
}

/** Shell scripts that ask `mayfly __complete` what may follow; files where it has nothing to say. */
export const COMPLETION_SCRIPTS = {
  bash: `_mayfly() {
  local IFS=$'\\n'
  COMPREPLY=($(mayfly __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _mayfly mayfly`,
  zsh: `#compdef mayfly
_mayfly() {
  local -a found
  found=(\${(f)"$(mayfly __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( \${#found} )); then compadd -a found; else _files; fi
}
compdef _mayfly mayfly`,
  fish: `complete -c mayfly -a '(mayfly __complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'`,
} as const;
