import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { cpuSecondsOf, rssBytesOf } from "./process-usage.ts";

// The child's child uses CPU time, and the child tells when that is done.
const BURN = "while (process.cpuUsage().user < 100_000);";
const PARENT = `require("node:child_process").spawnSync(process.execPath, ["-e", ${JSON.stringify(BURN)}]); console.log("done"); setInterval(() => {}, 1000)`;

test("what children used counts, those that have ended among them", async () => {
  const child = spawn(process.execPath, ["-e", PARENT], { stdio: ["ignore", "pipe", "ignore"] });
  try {
    await once(child.stdout, "data");
    const pid = child.pid ?? 0;
    const used = cpuSecondsOf(pid);
    if (process.platform !== "linux") return assert.equal(used, undefined);
    assert.ok(used !== undefined && used >= 0.09, `${used} s`);
    assert.ok((rssBytesOf(pid) ?? 0) > 10_000_000);
  } finally {
    child.kill("SIGKILL");
  }
});

test("a process that is gone has no usage", async () => {
  const child = spawn(process.execPath, ["-e", ""], { stdio: "ignore" });
  await once(child, "close");
  assert.equal(cpuSecondsOf(child.pid ?? 0), undefined);
  assert.equal(rssBytesOf(child.pid ?? 0), undefined);
});
