import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { lockDirectory } from "./directory-lock.ts";

const directories: string[] = [];
after(async () => {
  for (const directory of directories) await rm(directory, { recursive: true, force: true });
});

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "mayfly-lock-"));
  directories.push(directory);
  return directory;
}

const HELD = new RegExp(`the data directory is in use by process ${process.pid};`);

/** A process that takes the lock, says so and keeps it until it is killed. */
async function holdElsewhere(directory: string): Promise<{ readonly pid: number; kill(): Promise<void> }> {
  const script = join(await newDirectory(), "hold.mjs");
  const module = new URL("./directory-lock.ts", import.meta.url).href;
  await writeFile(
    script,
    `import { lockDirectory } from ${JSON.stringify(module)};
     await lockDirectory(process.argv[2]);
     process.send("held");
     process.on("disconnect", () => process.exit());`,
  );
  const child = fork(script, [directory], { execArgv: [] });
  await once(child, "message");
  return {
    pid: Number(child.pid),
    kill: async () => {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

test("a directory is held once, by name of the process, until it is released", async () => {
  const directory = await newDirectory();
  const lock = await lockDirectory(directory);
  await assert.rejects(lockDirectory(directory), HELD);
  await lock.release();
  assert.deepEqual(await readdir(directory), []);
  await (await lockDirectory(directory)).release();
});

test("who is refused leaves nothing behind and does not end the holder's lock", async () => {
  const directory = await newDirectory();
  const lock = await lockDirectory(directory);
  for (const _ of [1, 2]) await assert.rejects(lockDirectory(directory), HELD);
  assert.deepEqual(await readdir(directory), ["lock.sock"]);
  await lock.release();
});

test("of many that come at once to a free directory one holds it", async () => {
  const directory = await newDirectory();
  const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => lockDirectory(directory)));
  const held = attempts.flatMap((attempt) => (attempt.status === "fulfilled" ? [attempt.value] : []));
  assert.equal(held.length, 1);
  await assert.rejects(lockDirectory(directory), HELD);
  await held[0]?.release();
  assert.deepEqual(await readdir(directory), []);
});

test("another process is named, and its lock dies with it even when it is killed", async () => {
  const directory = await newDirectory();
  const other = await holdElsewhere(directory);
  await assert.rejects(lockDirectory(directory), new RegExp(`in use by process ${other.pid};`));
  await other.kill();
  assert.deepEqual(await readdir(directory), ["lock.sock"], "a kill leaves the name, which nobody listens at");
  const lock = await lockDirectory(directory);
  await assert.rejects(lockDirectory(directory), HELD);
  await lock.release();
});

test("of many that come at once to a dead lock one holds it", async () => {
  const directory = await newDirectory();
  await (await holdElsewhere(directory)).kill();
  const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => lockDirectory(directory)));
  const held = attempts.flatMap((attempt) => (attempt.status === "fulfilled" ? [attempt.value] : []));
  assert.equal(held.length, 1);
  await assert.rejects(lockDirectory(directory), HELD);
  await held[0]?.release();
});

test("a path longer than a socket's may be is held all the same", async () => {
  const directory = join(await newDirectory(), "d".repeat(90), "d".repeat(90));
  await mkdir(directory, { recursive: true });
  if (process.platform !== "linux") {
    await assert.rejects(lockDirectory(directory), /too long for a data directory/);
    return;
  }
  const lock = await lockDirectory(directory);
  await assert.rejects(lockDirectory(directory), HELD);
  await lock.release();
  assert.deepEqual(await readdir(directory), []);
});
