import { readFile } from "node:fs/promises";
import { CliError } from "./cli-error.ts";
import type { World } from "./world.ts";

/** Stands for standard input where a file is asked for. */
export const INPUT = "-";

/** The text of a file that an option names, or of standard input. Throws CliError for a file that cannot be read. */
export async function readGivenText(world: World, file: string): Promise<string> {
  if (file === INPUT) return world.readInput();
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new CliError(`${file} cannot be read`, { cause });
  }
}
