import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

/** The processes that a process has started and that still run. */
export function listChildren(pid: number): readonly number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  if (existsSync("/proc/self") && !existsSync(file)) return []; // it has ended
  const text = existsSync(file) ? readFileSync(file, "utf8") : execFileSync("pgrep", ["-P", String(pid)]).toString();
  return text.split(/\s/).filter(Boolean).map(Number);
}

/** The command line of a process that runs. */
export function readCommandLine(pid: number): string {
  return execFileSync("ps", ["-ww", "-o", "args=", "-p", String(pid)]).toString();
}

/** Whether a process runs. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
