import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A guide's blocks of code in one language, as they stand there. Throws when there is none. */
export async function readGuideBlocks(guide: string, language: "js" | "sh"): Promise<readonly string[]> {
  const text = await readFile(join(ROOT, "docs/guides", guide), "utf8");
  const blocks = [...text.matchAll(/^```(\w+)\n(.*?)^```/gms)].filter(([, name]) => name === language);
  if (blocks.length === 0) throw new Error(`${guide} shows no ${language}`);
  return blocks.map(([, , code = ""]) => code);
}
