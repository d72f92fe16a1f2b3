import cluster from "node:cluster";
import { setTimeout as sleep } from "node:timers/promises";
import type { MetricSnapshot } from "../platform/metrics.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

/** A worker, as its primary sees it. */
export interface Member {
  readonly pid: number | undefined;
  /** Resolves when it answers requests. Rejects with what it said when it cannot start. */
  readonly ready: Promise<void>;
  /** Resolves with how it ended. */
  readonly ended: Promise<string>;
  tell(message: ToWorker): void;
  /** What it has counted; what it told last when it does not answer. */
  ask(): Promise<readonly MetricSnapshot[]>;
  /** what it told last of what it had counted */
  counted(): readonly MetricSnapshot[];
  kill(): void;
}

const ANSWER_MS_MAX = 2_500;

/** Starts a worker: a fork of this process. */
export function forkWorker(): Member {
  // Workers accept for themselves. Where the primary accepts and hands over, as Node would by default, what it has handed to a worker
  // that dies before it took it is answered by nobody, and never ends.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  const worker = cluster.fork();
  const answers = new Map<number, (snapshot: readonly MetricSnapshot[]) => void>();
  let counted: readonly MetricSnapshot[] = [];
  let questions = 0;

  const ended = new Promise<string>((resolve) => {
    worker.once("exit", (code: number, signal: string | null) => resolve(signal ?? `code ${code}`));
  });
  const ready = new Promise<void>((resolve, reject) => {
    worker.on("message", (message: FromWorker) => {
      if (message.kind === "ready") resolve();
      else if (message.kind === "failed") reject(new Error(message.message));
      else counted = message.snapshot;
      if (message.kind === "counted") answers.get(message.question)?.(message.snapshot);
    });
    void ended.then((how) => reject(new Error(`a worker ended with ${how} before it was ready`)));
  });
  ready.catch(() => undefined); // whoever waits for it learns of it
  worker.on("error", () => undefined); // a message that found nobody: the exit says the rest

  const tell = (message: ToWorker): void => {
    worker.send(message, () => undefined);
  };
  return {
    pid: worker.process.pid,
    ready,
    ended,
    tell,
    ask: async () => {
      questions += 1;
      const question = questions;
      const answered = new Promise<readonly MetricSnapshot[]>((resolve) => answers.set(question, resolve));
      tell({ kind: "count", question });
      const late = sleep(ANSWER_MS_MAX, counted, { ref: false });
      return Promise.race([answered, late]).finally(() => answers.delete(question));
    },
    counted: () => counted,
    kill: () => void worker.process.kill("SIGKILL"),
  };
}
