import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PARTS = ["bin", "migrations", "package.json", "package-lock.json", "src", "web"];

/** A copy of this version's code with something more. */
export interface NextVersion {
  /** its launcher */
  readonly launcher: string;
  remove(): Promise<void>;
}

/**
 * Makes the version that comes after this one.
 *
 * @param migration the SQL that it adds to the schema
 */
export async function makeNextVersion(migration: string): Promise<NextVersion> {
  const folder = await mkdtemp(join(tmpdir(), "mayfly-next-"));
  for (const part of PARTS) await cp(join(ROOT, part), join(folder, part), { recursive: true });
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "migrations", "9001_next.sql"), migration);
  return {
    launcher: join(folder, "bin", "mayfly.mjs"),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
