import type { Deps } from "../deps.ts";

/** What jobs need of the outside world. */
export type JobDeps = Pick<Deps, "config" | "database" | "clock" | "random" | "sealer" | "mail" | "log" | "metrics">;

/** Periodic work of which one node at a time does one run; a run that is repeated, or done by two, does no harm. */
export interface Job {
  /** the name of its lease, kebab-case */
  readonly name: string;
  readonly everySeconds: number;
  readonly run: (deps: JobDeps) => Promise<void>;
}
