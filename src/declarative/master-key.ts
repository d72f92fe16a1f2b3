import { join } from "node:path";
import { type Config, ConfigError } from "../config.ts";
import type { Random } from "../platform/random.ts";
import { readNamedFile } from "./named-file.ts";
import { createPrivateFile, openDataDirectory, readPrivateFile } from "./private-file.ts";

const KEY_BYTES = 32;
const KEY_LENGTH_MIN = 43; // 256 bits in base64url

/**
 * Reads the master keys: from the environment, from the file that it names, or from the data directory, where one is made at the
 * first start. The first encrypts, all decrypt.
 *
 * @throws ConfigError naming the setting, never a key
 */
export async function readMasterKeys(config: Config, random: Random): Promise<readonly Uint8Array[]> {
  if (config.masterKeys !== undefined) return config.masterKeys.map((key) => Buffer.from(key, "utf8"));
  if (config.masterKeyFile !== undefined) {
    return parseKeys(await readNamedFile("MAYFLY_MASTER_KEY_FILE", config.masterKeyFile), config.masterKeyFile);
  }
  const path = join(config.dataDirectory, "master.key");
  return parseKeys(await readOrCreate(config, path, random), path);
}

/**
 * Reads the token that opens the operator routes: from the file that is configured, or, with the embedded database, from the
 * data directory, where one is made at the first start (rule 27, settled 15).
 *
 * @returns undefined where there is none: the operator routes answer 404
 * @throws ConfigError naming the setting, never the token
 */
export async function readOperatorToken(config: Config, random: Random): Promise<string | undefined> {
  if (config.operatorTokenFile !== undefined) {
    const text = await readNamedFile("MAYFLY_OPERATOR_TOKEN_FILE", config.operatorTokenFile);
    return checkLength(text.trim(), config.operatorTokenFile);
  }
  if (config.databaseUrl !== undefined) return undefined;
  const path = join(config.dataDirectory, "operator-token");
  return checkLength((await readOrCreate(config, path, random)).trim(), path);
}

async function readOrCreate(config: Config, path: string, random: Random): Promise<string> {
  await openDataDirectory(config);
  const found = await readPrivateFile(config, path);
  if (found !== undefined) return found;
  await createPrivateFile(path, `${random.bytes(KEY_BYTES).toString("base64url")}\n`);
  // Read again: another process may have been first, and its key is the one that counts.
  const made = await readPrivateFile(config, path);
  if (made === undefined) throw new Error(`${path} vanished while it was made`);
  return made;
}

function parseKeys(text: string, path: string): readonly Uint8Array[] {
  const keys = text.split(/[\s,]+/).filter((key) => key !== "");
  if (keys.length === 0) throw new ConfigError(`${path} holds no master key`);
  return keys.map((key) => Buffer.from(checkLength(key, path), "utf8"));
}

function checkLength(secret: string, path: string): string {
  if (secret.length >= KEY_LENGTH_MIN) return secret;
  throw new ConfigError(`${path} must hold at least ${KEY_LENGTH_MIN} characters (256 bits in base64url)`);
}
