import { readFile } from "node:fs/promises";
import { CommanderError } from "commander";
import { CliError } from "./cli-error.ts";
import { parseJson, textOf } from "./json.ts";
import { createProgram } from "./program.ts";
import { createWorld, type World } from "./world.ts";

const world = createWorld();

/** Runs one command. What went wrong, and what to do about it, is printed; the process ends with 1 then. */
async function run(): Promise<void> {
  const version = textOf(parseJson(await readFile(new URL("../../package.json", import.meta.url), "utf8")), "version");
  try {
    await createProgram(world, version ?? "unknown").parseAsync(process.argv);
  } catch (error) {
    process.exitCode = explain(world, error);
  }
}

function explain({ note }: World, error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode; // it has said what is wrong
  if (error instanceof CliError) {
    note(`mayfly: ${error.message}`);
    if (error.advice !== undefined) note(error.advice);
    return 1;
  }
  note(`mayfly: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return 1;
}

await run();
