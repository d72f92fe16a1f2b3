/** `npm run check`: types, lint and format, unused code, the house rules. All at once; what failed is printed whole. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { getNode, nodeEnvironment, ROOT } from "./runtime.mjs";

const MODULES = join(ROOT, "node_modules");

/** @type {{ name: string, args: string[] }[]} */
const CHECKS = [
  { name: "types (tsc)", args: [join(MODULES, "typescript/bin/tsc"), "--project", "tsconfig.json"] },
  {
    name: "types of scripts for browsers (tsc)",
    args: [join(MODULES, "typescript/bin/tsc"), "--project", "web/tsconfig.json"],
  },
  {
    name: "lint and format (biome)",
    args: [join(MODULES, "@biomejs/biome/bin/biome"), "check", "--error-on-warnings", "--max-diagnostics=200"],
  },
  { name: "unused code (knip)", args: [join(MODULES, "knip/bin/knip.js")] },
  {
    name: "house rules (test/architecture.test.ts)",
    args: [
      "--test",
      "--test-isolation=none",
      "--test-reporter=./bin/reporter.mjs",
      "--test-reporter-destination=stdout",
      "test/architecture.test.ts",
    ],
  },
];

const results = await Promise.all(CHECKS.map(run));
const failed = results.filter(({ status }) => status !== 0);
for (const { name, output } of failed)
  process.stdout.write(`\nFAILED: ${name}\n${output.trim().replace(/^/gm, "  ")}\n`);
process.stdout.write("\n");
for (const { name, status } of results) process.stdout.write(`${status === 0 ? "ok    " : "FAILED"}  ${name}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;

/**
 * @param {{ name: string, args: string[] }} check
 * @returns {Promise<{ name: string, status: number, output: string }>}
 */
function run({ name, args }) {
  return new Promise((resolve) => {
    const child = spawn(getNode(), args, { cwd: ROOT, env: nodeEnvironment(), stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        output += chunk;
      });
    }
    child.on("error", (error) => resolve({ name, status: 1, output: error.message }));
    child.on("close", (code) => resolve({ name, status: code ?? 1, output }));
  });
}
