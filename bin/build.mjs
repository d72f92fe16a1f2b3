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
const args = [compiler, "--project", join(ROOT, "tsconfig.build.json")];
const { status } = spawnSync(getNode(), args, { stdio: "inherit", env: nodeEnvironment() });
process.exitCode = status ?? 1;
