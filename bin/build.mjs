/**
 * Makes `dist/` for the package: Node runs no TypeScript below node_modules. In the repository nothing is built, and nothing of
 * `dist/` is used.
 */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { getNode, nodeEnvironment, ROOT } from "./runtime.mjs";

rmSync(join(ROOT, "dist"), { recursive: true, force: true });
const compiler = join(ROOT, "node_modules", "typescript", "bin", "tsc");
// The second writes the types of the browser client, which is served and packed as it is; the third those of what others import.
const projects = [
  "tsconfig.build.json",
  ...["web", join("src", "verifier")].map((at) => join(at, "tsconfig.build.json")),
];
const statuses = projects.map((project) => {
  const args = [compiler, "--project", join(ROOT, project)];
  return spawnSync(getNode(), args, { stdio: "inherit", env: nodeEnvironment() }).status ?? 1;
});
process.exitCode = Math.max(...statuses);
