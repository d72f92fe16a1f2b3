#!/usr/bin/env node
/** Starts the server, whatever Node runs this file. */
import { runScript } from "./runtime.mjs";

try {
  runScript("src/main.ts", process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}
