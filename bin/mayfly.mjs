#!/usr/bin/env node
/** Starts the server, or the command line, whatever Node runs this file. */
import { runScript } from "./runtime.mjs";
import { serverFlags } from "./server-flags.mjs";

const args = process.argv.slice(2);
const [first, ...others] = args;

try {
  if (first === undefined || first === "--dry-run") runScript("src/main.ts", args, serverFlags());
  else if (first === "start" && !others.includes("--help")) runScript("src/main.ts", others, serverFlags());
  else runScript("src/cli/main.ts", args);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}
