import { cpuSecondsOf } from "../process-usage.ts";
import { median } from "../statistics.ts";

/** Microseconds of CPU time a call: of this process, and of the database where it can be read. */
export type Cpu = { server: number; database: number | undefined };

/** Work that is measured; what `prepare` makes is not part of it. */
export type Work<T> = { prepare(): T; run(input: T): Promise<unknown> | unknown; calls: number };

export type Measuring = { seconds: number; rounds: number; databasePid: number | undefined };

/** Measures works in turn, round after round, and returns the median of each; a round before them all warms up. */
export async function measureInTurn<Name extends string>(
  works: Record<Name, () => Promise<Cpu>>,
  rounds: number,
): Promise<Record<Name, Cpu>> {
  const names = Object.keys(works).filter((name): name is Name => name in works);
  const found = new Map<Name, Cpu[]>();
  for (const name of names) await works[name]();
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) found.set(name, [...(found.get(name) ?? []), await works[name]()]);
  }
  const entries = names.map((name) => [name, middle(found.get(name) ?? [])]);
  return Object.fromEntries(entries);
}

function middle(measured: Cpu[]): Cpu {
  const database = measured.flatMap((one) => one.database ?? []);
  return {
    server: median(measured.map((one) => one.server)),
    database: database.length === 0 ? undefined : median(database),
  };
}

/** Repeats a work for a time, and tells the CPU time of one of its calls. */
export async function measure<T>(work: Work<T>, { seconds, databasePid }: Measuring): Promise<Cpu> {
  const databaseBefore = databasePid === undefined ? undefined : cpuSecondsOf(databasePid);
  const end = performance.now() + seconds * 1000;
  let runs = 0;
  let server = 0;
  while (performance.now() < end) {
    const input = work.prepare();
    const before = process.cpuUsage();
    await work.run(input);
    const used = process.cpuUsage(before);
    server += used.user + used.system;
    runs += 1;
  }
  const calls = runs * work.calls;
  const databaseAfter = databasePid === undefined ? undefined : cpuSecondsOf(databasePid);
  const database =
    databaseBefore === undefined || databaseAfter === undefined
      ? undefined
      : ((databaseAfter - databaseBefore) * 1e6) / calls;
  return { server: server / calls, database };
}

/** What the first costs more than the second. */
export function difference(more: Cpu, less: Cpu): Cpu {
  return {
    server: more.server - less.server,
    database: more.database === undefined || less.database === undefined ? undefined : more.database - less.database,
  };
}

export function sum(left: Cpu, right: Cpu): Cpu {
  return {
    server: left.server + right.server,
    database: left.database === undefined || right.database === undefined ? undefined : left.database + right.database,
  };
}
