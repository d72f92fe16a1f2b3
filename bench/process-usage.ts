import { readdirSync, readFileSync } from "node:fs";

/** Linux counts CPU time in hundredths of a second, on every architecture Node runs on. */
const TICKS_PER_SECOND = 100;

/** Fields of /proc/<pid>/stat counted after the command's closing parenthesis. */
const CPU_FIELDS = { user: 11, system: 12, endedChildrenUser: 13, endedChildrenSystem: 14 };

/**
 * CPU seconds that a process and its children, living and ended, have used with all their threads; undefined where there
 * is no /proc, or when the process has ended.
 */
export function cpuSecondsOf(pid: number): number | undefined {
  return sumOverTree(pid, (member) => {
    const stat = readProc(`${member}/stat`);
    if (stat === undefined) return undefined;
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = Object.values(CPU_FIELDS).map((field) => Number(fields[field]));
    return ticks.reduce((sum, one) => sum + one, 0) / TICKS_PER_SECOND;
  });
}

/** Resident memory of a process and its children in bytes, pages they share counted for each; undefined as above. */
export function rssBytesOf(pid: number): number | undefined {
  return sumOverTree(pid, (member) => {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readProc(`${member}/status`) ?? "")?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  });
}

/** Children that end while they are counted count as nothing. */
function sumOverTree(pid: number, read: (member: number) => number | undefined): number | undefined {
  const own = read(pid);
  if (own === undefined) return undefined;
  return childrenOf(pid).reduce((sum, child) => sum + (sumOverTree(child, read) ?? 0), own);
}

/** A child belongs to the thread that made it. */
function childrenOf(pid: number): number[] {
  const threads = orUndefined(() => readdirSync(`/proc/${pid}/task`)) ?? [];
  return threads.flatMap((thread) =>
    (readProc(`${pid}/task/${thread}/children`) ?? "").split(" ").filter(Boolean).map(Number),
  );
}

function readProc(file: string): string | undefined {
  if (process.platform !== "linux") return undefined;
  return orUndefined(() => readFileSync(`/proc/${file}`, "latin1"));
}

/** A process may end at any time, and its files with it. */
function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")) {
      return undefined;
    }
    throw error;
  }
}
