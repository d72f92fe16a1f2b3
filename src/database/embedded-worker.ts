import { closeSync, fsyncSync, openSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { PGlite } from "@electric-sql/pglite";
import { NodeFS } from "@electric-sql/pglite/nodefs";
import type { EmbeddedAnswer, EmbeddedRequest, EmbeddedSettings } from "./embedded.ts";

// PGlite as it comes never syncs: it starts PostgreSQL with -F and its file system has no fsync. Both are mended here;
// test/flows/durability.test.ts counts the syncs, so that an upgrade cannot lose this silently.

interface SyncedStream {
  readonly nfd?: number;
  readonly node: unknown;
}
interface NodeFileSystem {
  realPath(node: unknown): string;
  stream_ops: { fsync?: (stream: SyncedStream) => number };
}

let syncs = 0;

class SyncingNodeFs extends NodeFS {
  override async init(...args: Parameters<NodeFS["init"]>): ReturnType<NodeFS["init"]> {
    const options = await super.init(...args);
    options.emscriptenOpts.preRun = [
      ...(options.emscriptenOpts.preRun ?? []),
      (module) => {
        const files = (module as unknown as { FS: { filesystems: { NODEFS: NodeFileSystem } } }).FS.filesystems.NODEFS;
        files.stream_ops.fsync = (stream) => sync(files, stream);
      },
    ];
    return options;
  }
}

function sync(files: NodeFileSystem, stream: SyncedStream): number {
  syncs += 1;
  if (stream.nfd !== undefined) {
    fsyncSync(stream.nfd);
    return 0;
  }
  const directory = openSync(files.realPath(stream.node), "r");
  fsyncSync(directory);
  closeSync(directory);
  return 0;
}

async function open(settings: EmbeddedSettings): Promise<PGlite> {
  const startParams = [
    ...PGlite.defaultStartParams.filter((parameter) => parameter !== "-F"),
    ...["-c", "fsync=on", "-c", "wal_sync_method=fsync"],
  ];
  const fs = new SyncingNodeFs(settings.directory);
  if (!settings.isNew) return PGlite.create({ fs, startParams });
  const { dataDir } = await import("@electric-sql/pglite-prepopulatedfs");
  return PGlite.create({ fs, startParams, loadDataDir: await dataDir() });
}

const READY_FOR_QUERY = 0x5a;

// PGlite says ReadyForQuery when a message failed and again at the Sync that follows; the protocol has one, after the Sync. Of
// two in a row the first is dropped, or every later answer would be taken for that of the statement before it.
function withoutDoubledReady(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kept: Uint8Array[] = [];
  let start = 0;
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + view.getUint32(at + 1);
    if (bytes[at] === READY_FOR_QUERY && bytes[end] === READY_FOR_QUERY) {
      kept.push(bytes.subarray(start, at));
      start = end;
    }
    at = end;
  }
  return kept.length === 0 ? bytes : Buffer.concat([...kept, bytes.subarray(start)]);
}

const port = parentPort;
if (port === null) throw new Error("embedded-worker.ts runs in a worker thread");
const answer = (message: EmbeddedAnswer): void => port.postMessage(message);
const database = await open(workerData as EmbeddedSettings);
answer({ kind: "ready" });

port.on("message", (request: EmbeddedRequest) => {
  if (request.kind === "wire") {
    void database
      .execProtocolRaw(request.bytes)
      .then((bytes) => answer({ kind: "wire", wire: request.wire, bytes: withoutDoubledReady(bytes) }));
  } else if (request.kind === "syncs") {
    answer({ kind: "syncs", syncs });
  } else {
    void database.close().then(() => {
      answer({ kind: "closed" });
      port.close();
    });
  }
});
