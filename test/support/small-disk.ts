import { execFileSync } from "node:child_process";
import { chownSync, closeSync, mkdtempSync, openSync, rmSync, statSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const BLOCK = Buffer.alloc(65_536, 1);

/** A file system of its own, so small that a test can fill it. */
export interface SmallDisk {
  readonly path: string;
  fill(): void;
  clear(): void;
  remove(): void;
}

/**
 * Mounts one, for the user who owns that path; undefined where this process may not.
 *
 * @param megabytes all that fits
 */
export function mountSmallDisk(megabytes: number, ownedLike: string): SmallDisk | undefined {
  const path = mkdtempSync(join(tmpdir(), "mayfly-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", path], { stdio: "ignore" });
  } catch {
    // Not as root, or not in this container: the caller says so.
    rmSync(path, { recursive: true });
    return undefined;
  }
  const { uid, gid } = statSync(ownedLike);
  chownSync(path, uid, gid);
  const filler = join(path, "filler");
  return {
    path,
    fill: () => {
      const file = openSync(filler, "a");
      try {
        for (;;) writeSync(file, BLOCK);
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
      } finally {
        closeSync(file);
      }
    },
    clear: () => unlinkSync(filler),
    remove: () => {
      execFileSync("umount", ["-l", path]);
      rmSync(path, { recursive: true });
    },
  };
}
