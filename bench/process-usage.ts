import { readFileSync } from "node:fs";

/** Linux counts CPU time in hundredths of a second, on every architecture Node runs on. */
const TICKS_PER_SECOND = 100;

/** Fields of /proc/<pid>/stat counted after the command's closing parenthesis. */
const UTIME_FIELD = 11;
const STIME_FIELD = 12;

/** CPU seconds that a process with all its threads has used; undefined where there is no /proc. */
export function cpuSecondsOf(pid: number): number | undefined {
  const stat = readProc(pid, "stat");
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[UTIME_FIELD]) + Number(fields[STIME_FIELD])) / TICKS_PER_SECOND;
}

/** Resident memory of a process in bytes; undefined where there is no /proc. */
export function rssBytesOf(pid: number): number | undefined {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readProc(pid, "status") ?? "")?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

function readProc(pid: number, file: string): string | undefined {
  if (process.platform !== "linux") return undefined;
  return readFileSync(`/proc/${pid}/${file}`, "latin1");
}
