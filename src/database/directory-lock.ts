import { closeSync, openSync } from "node:fs";
import { link, rename, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";

/** A data directory that this process holds. */
export interface DirectoryLock {
  release(): Promise<void>;
}

const NAME = "lock.sock";
/** What the address of a socket may be long, in bytes: 104 on macOS, 108 on Linux, with its end. */
const ADDRESS_BYTES_MAX = 103;
/** Who found the same dead lock at the same time has written over ours by then. */
const TAKE_OVER_MS = 200;
const ANSWER_MS_MAX = 2_000;
let count = 0;

/**
 * Locks a data directory by a socket that listens in it: the lock dies with the process, and a second start can ask who holds
 * it. A socket that nobody listens at is left over from a crash and is replaced.
 *
 * @throws naming the process that holds the directory
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  count += 1;
  const self = `${process.pid} ${count}`;
  const draft = `lock.${process.pid}.${count}.sock`;
  const place = openPlace(directory, draft);
  const path = join(place.address, NAME);
  const server = await listen(join(place.address, draft), self);
  const close = async (): Promise<void> => {
    await new Promise((done) => server.close(done)); // removes the draft
    place.close();
  };
  try {
    // A name of its own first: closing a socket removes whatever has its name by then.
    if (!(await linkIfFree(join(place.address, draft), path))) {
      await refuseHeld(path, self);
      await rename(join(place.address, draft), path);
      await new Promise((resolve) => setTimeout(resolve, TAKE_OVER_MS));
      await refuseHeld(path, self);
    }
    await rm(join(place.address, draft), { force: true });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    release: async () => {
      await rm(path, { force: true });
      await close();
    },
  };
}

// A path too long for a socket is reached through the open directory, where the system has a short name for that.
function openPlace(directory: string, draft: string): { readonly address: string; close(): void } {
  if (Buffer.byteLength(join(directory, draft)) <= ADDRESS_BYTES_MAX)
    return { address: directory, close: () => undefined };
  if (process.platform !== "linux") throw new Error(`the path ${directory} is too long for a data directory`);
  const descriptor = openSync(directory, "r");
  return { address: `/proc/self/fd/${descriptor}`, close: () => closeSync(descriptor) };
}

function listen(path: string, self: string): Promise<Server> {
  const server: Server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.end(self);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => resolve(server.unref()));
  });
}

async function linkIfFree(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

async function refuseHeld(path: string, self: string): Promise<void> {
  const holder = await askHolder(path);
  if (holder === undefined || holder === self) return;
  const name = holder === "" ? "that does not answer" : holder.split(" ")[0];
  throw new Error(`the data directory is in use by process ${name}; stop it, or choose another MAYFLY_DATA_DIR`);
}

/** What the holder says; undefined where nobody listens. A holder too busy to answer holds it all the same. */
function askHolder(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    let answer: string | undefined;
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy());
    socket.on("connect", () => {
      answer = "";
    });
    socket.on("data", (chunk) => {
      answer += chunk.toString("utf8");
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", () => undefined);
  });
}
