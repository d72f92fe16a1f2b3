import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { Worker } from "node:worker_threads";
import { createPool } from "./connection.ts";
import { createDatabase, type Database, type SentStatement } from "./database.ts";
import { lockDirectory } from "./directory-lock.ts";

/** What the worker that holds the embedded PostgreSQL is started with. */
export interface EmbeddedSettings {
  readonly directory: string;
  readonly isNew: boolean;
}
export type EmbeddedRequest = { kind: "wire"; bytes: Uint8Array } | { kind: "syncs" } | { kind: "close" };
export type EmbeddedAnswer =
  | { kind: "ready" }
  | { kind: "wire"; bytes: Uint8Array }
  | { kind: "syncs"; syncs: number }
  | { kind: "closed" };

export interface EmbeddedOptions {
  /** The data directory; the database lives in `database/` under it and belongs to this process alone. */
  readonly directory: string;
  readonly onStatement?: (sent: SentStatement) => void;
}

/**
 * Opens the embedded PostgreSQL in a worker thread, so that a slow statement or a sync never stops the event loop. The worker
 * speaks PostgreSQL's own wire protocol: the same driver, statements and types as with a server.
 *
 * @throws when another process holds the directory
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<Database> {
  await mkdir(options.directory, { recursive: true, mode: 0o700 });
  const lock = await lockDirectory(options.directory);
  const directory = join(options.directory, "database");
  const settings: EmbeddedSettings = { directory, isNew: !existsSync(join(directory, "PG_VERSION")) };
  const worker = new Worker(new URL("./embedded-worker.ts", import.meta.url), { workerData: settings });
  const waiting = new Map<EmbeddedAnswer["kind"], (answer: EmbeddedAnswer) => void>();
  const next = <K extends EmbeddedAnswer["kind"]>(kind: K) =>
    new Promise<EmbeddedAnswer>((resolve) => waiting.set(kind, resolve));
  let wire: WorkerWire | undefined;
  worker.on("message", (answer: EmbeddedAnswer) => {
    if (answer.kind === "wire") wire?.receive(answer.bytes);
    else waiting.get(answer.kind)?.(answer);
  });
  const failed = new Promise<never>((_, reject) => worker.once("error", reject));
  failed.catch((error: Error) => wire?.destroy(error));
  await Promise.race([next("ready"), failed]);

  const pool = createPool({
    max: 1,
    user: "postgres",
    database: "postgres",
    ssl: false,
    stream: () => {
      wire = new WorkerWire(worker);
      return wire;
    },
  });
  return createDatabase({
    kind: "embedded",
    pool,
    countSyncs: async () => {
      const answered = next("syncs");
      worker.postMessage({ kind: "syncs" } satisfies EmbeddedRequest);
      const answer = await answered;
      return answer.kind === "syncs" ? answer.syncs : undefined;
    },
    stop: async () => {
      const closed = next("closed");
      worker.postMessage({ kind: "close" } satisfies EmbeddedRequest);
      await Promise.race([closed, failed]);
      await worker.terminate();
      await lock.release();
    },
    ...(options.onStatement ? { onStatement: options.onStatement } : {}),
  });
}

const TERMINATE = 0x58; // the protocol's goodbye: the one session stays, only this connection ends

/** A socket to the worker, as far as `pg` uses one. */
class WorkerWire extends Duplex {
  readonly #worker: Worker;
  #held: Buffer[] = [];

  constructor(worker: Worker) {
    super();
    this.#worker = worker;
  }

  connect(): this {
    process.nextTick(() => this.emit("connect"));
    return this;
  }

  receive(bytes: Uint8Array): void {
    if (!this.destroyed) this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    // What is written in one turn travels as one message: a whole transaction, up to its last Sync.
    if (this.#held.length === 0) process.nextTick(() => this.#flush());
    this.#held.push(chunk);
    done();
  }

  override _final(done: () => void): void {
    this.push(null);
    done();
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#held);
    this.#held = [];
    if (bytes[0] === TERMINATE) {
      this.push(null);
      return;
    }
    this.#worker.postMessage({ kind: "wire", bytes } satisfies EmbeddedRequest);
  }
}
