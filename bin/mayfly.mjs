#!/usr/bin/env node
/** Starts the server, whatever Node runs this file. */
import { runScript } from "./runtime.mjs";
import { serverFlags } from "./server-flags.mjs";

try {
  runScript("src/main.ts", process.argv.slice(2), serverFlags());
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}
