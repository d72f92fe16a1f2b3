import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readGuideBlocks } from "../guide-blocks.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** A file of a guide, where its imports find their packages. */
export interface GuideCode {
  readonly directory: string;
  readonly file: string;
  remove(): Promise<void>;
}

/** Writes a guide's first JavaScript down as it stands there, as its readers do. */
export async function writeGuideCode(
  guide: string,
  file: string,
  change: (code: string) => string = (code) => code,
): Promise<GuideCode> {
  const [code = ""] = await readGuideBlocks(guide, "js");
  const directory = await mkdtemp(join(tmpdir(), "mayfly-guide-"));
  await symlink(join(ROOT, "node_modules"), join(directory, "node_modules"));
  await writeFile(join(directory, file), change(code));
  return { directory, file: join(directory, file), remove: () => rm(directory, { recursive: true, force: true }) };
}
