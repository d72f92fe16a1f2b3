import { existsSync } from "node:fs";
import { mkdir, open, readdir, rm, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { Duplex } from "node:stream";
import { Worker } from "node:worker_threads";
import { createChangeFeed } from "./changes.ts";
import { createPool } from "./connection.ts";
import { createDatabase, type Database, type SentStatement } from "./database.ts";
import { lockDirectory } from "./directory-lock.ts";
import type { DatabaseMeter } from "./meter.ts";

/** What the worker that holds the embedded PostgreSQL is started with. */
export interface EmbeddedSettings {
  readonly directory: string;
  readonly isNew: boolean;
}
/** `wire` numbers the connection: an answer that comes after its connection was given up belongs to nobody. */
export type EmbeddedRequest = { kind: "wire"; wire: number; bytes: Uint8Array } | { kind: "syncs" } | { kind: "close" };
export type EmbeddedAnswer =
  | { kind: "ready" }
  | { kind: "wire"; wire: number; bytes: Uint8Array }
  | { kind: "syncs"; syncs: number }
  | { kind: "closed" };

export interface EmbeddedOptions {
  /** The data directory; the database lives in `database/` under it and belongs to this process alone. */
  readonly directory: string;
  /** Called when the database stops by itself: the process cannot go on without it. */
  readonly onFailure: (error: Error) => void;
  readonly onStatement?: (sent: SentStatement) => void;
  readonly meter?: DatabaseMeter;
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
  const settings = await prepareDirectory(options.directory);
  // Beside this file, and built as it is: .ts in the repository, .js in the package.
  const script = new URL(`./embedded-worker${extname(import.meta.url)}`, import.meta.url);
  const worker = new Worker(script, { workerData: settings });
  const waiting = new Map<EmbeddedAnswer["kind"], (answer: EmbeddedAnswer) => void>();
  const next = <K extends EmbeddedAnswer["kind"]>(kind: K) =>
    new Promise<EmbeddedAnswer>((resolve) => waiting.set(kind, resolve));
  let wire: WorkerWire | undefined;
  worker.on("message", (answer: EmbeddedAnswer) => {
    if (answer.kind === "wire") wire?.receive(answer.wire, answer.bytes);
    else waiting.get(answer.kind)?.(answer);
  });
  const failed = new Promise<never>((_, reject) => {
    worker.once("error", reject);
    worker.once("exit", () => reject(new Error("the embedded database stopped")));
  });
  await Promise.race([next("ready"), failed]);
  if (settings.isNew) await finishUnpacking(options.directory);
  let isStopping = false;
  failed.catch((error: Error) => {
    wire?.destroy(error);
    if (!isStopping) options.onFailure(error);
  });

  let wires = 0;
  const stream = (): WorkerWire => {
    wires += 1;
    wire = new WorkerWire(worker, wires);
    return wire;
  };
  const changes = createChangeFeed();
  const pool = createPool(
    { max: 1, user: "postgres", database: "postgres", ssl: false, stream },
    { isOneSession: true, changes },
  );
  return createDatabase({
    kind: "embedded",
    pool,
    changes,
    countSyncs: async () => {
      const answered = next("syncs");
      worker.postMessage({ kind: "syncs" } satisfies EmbeddedRequest);
      const answer = await answered;
      return answer.kind === "syncs" ? answer.syncs : undefined;
    },
    stop: async () => {
      isStopping = true;
      const closed = next("closed");
      worker.postMessage({ kind: "close" } satisfies EmbeddedRequest);
      await Promise.race([closed, failed]);
      await worker.terminate();
      await lock.release();
    },
    ...(options.onStatement ? { onStatement: options.onStatement } : {}),
    ...(options.meter ? { meter: options.meter } : {}),
  });
}

const TERMINATE = 0x58; // the protocol's goodbye: the one session stays, only this connection ends

const UNPACKING = "database.unpacking";

// A first start that was killed while the files were unpacked left a database that cannot open, and nothing that anybody was told
// of. The mark says so, and the next start begins anew.
async function prepareDirectory(dataDirectory: string): Promise<EmbeddedSettings> {
  const directory = join(dataDirectory, "database");
  const mark = join(dataDirectory, UNPACKING);
  if (existsSync(mark)) await rm(directory, { recursive: true, force: true });
  const isNew = !existsSync(join(directory, "PG_VERSION"));
  if (isNew) await writeFile(mark, "", { flush: true });
  return { directory, isNew };
}

async function finishUnpacking(dataDirectory: string): Promise<void> {
  await syncTree(join(dataDirectory, "database"));
  await rm(join(dataDirectory, UNPACKING));
}

/** Brings unpacked files to the disk: PostgreSQL itself syncs only what it changes. */
async function syncTree(directory: string): Promise<void> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
  await Promise.all([...paths, directory].map(syncPath));
}

async function syncPath(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A socket to the worker, as far as `pg` uses one. */
class WorkerWire extends Duplex {
  readonly #worker: Worker;
  readonly #number: number;
  #held: Buffer[] = [];

  constructor(worker: Worker, number: number) {
    super();
    this.#worker = worker;
    this.#number = number;
  }

  connect(): this {
    process.nextTick(() => this.emit("connect"));
    return this;
  }

  receive(wire: number, bytes: Uint8Array): void {
    if (!this.destroyed && wire === this.#number)
      this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
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
    this.#worker.postMessage({ kind: "wire", wire: this.#number, bytes } satisfies EmbeddedRequest);
  }
}
