// Files that hold secrets: 0600 in a directory of 0700, written whole or not at all (rule 25).

import { existsSync } from "node:fs";
import { link, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Config, ConfigError, isLoopbackUrl } from "../config.ts";

const OTHERS = 0o077;

/** Makes the data directory if it is missing, and refuses what others may look into where that matters (rule 25). */
export async function openDataDirectory(config: Config): Promise<void> {
  await mkdir(config.dataDirectory, { recursive: true, mode: 0o700 });
  await refuseWideMode(config, config.dataDirectory, "0700");
  for (const [name, mode] of [
    ["bootstrap.json", "0600"],
    ["outbox", "0700"],
  ] as const) {
    const path = join(config.dataDirectory, name);
    if (existsSync(path)) await refuseWideMode(config, path, mode);
  }
}

/** Reads a file that must be private; undefined when there is none. */
export async function readPrivateFile(config: Config, path: string): Promise<string | undefined> {
  try {
    const text = await readFile(path, "utf8");
    await refuseWideMode(config, path, "0600");
    return text;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Writes a private file whole and durably, in place of the one that may be there. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const draft = await writeDraft(path, text);
  try {
    await rename(draft, path);
    await syncDirectory(path);
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * Writes a private file whole and durably, unless there is one already.
 *
 * @returns whether it was this call that made it
 */
export async function createPrivateFile(path: string, text: string): Promise<boolean> {
  const draft = await writeDraft(path, text);
  try {
    await link(draft, path);
    await syncDirectory(path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function writeDraft(path: string, text: string): Promise<string> {
  const draft = `${path}.${process.pid}.draft`;
  await rm(draft, { force: true });
  const file = await open(draft, "wx", 0o600);
  try {
    await file.writeFile(text, "utf8");
    await file.sync();
  } finally {
    await file.close();
  }
  return draft;
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(dirname(path), "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function refuseWideMode(config: Config, path: string, wanted: string): Promise<void> {
  if (isLoopbackUrl(config.publicUrl)) return;
  const { mode } = await stat(path);
  if ((mode & OTHERS) === 0) return;
  throw new ConfigError(`${path} can be read by others; run: chmod ${wanted} ${path}`);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
