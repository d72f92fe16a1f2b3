import { readFile } from "node:fs/promises";
import { ConfigError } from "../config.ts";

/**
 * Reads the file that a setting names.
 *
 * @throws ConfigError naming the setting, the path and what is in the way
 */
export async function readNamedFile(setting: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
    throw new ConfigError(
      `${setting} names ${path}, which cannot be read${code}; name a file that this user may read, or leave ${setting} out`,
    );
  }
}
