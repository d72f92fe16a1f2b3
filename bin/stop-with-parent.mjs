/**
 * Loaded before a script by runtime.mjs: when the launcher or the npm that started it is killed, the script stops as if it had
 * been told to, instead of holding its port and its data directory with nobody left to stop it.
 */
import { isMainThread } from "node:worker_threads";

const POLL_MILLISECONDS = 1000;

if (isMainThread) {
  forgetInProcessesOfTheScript();
  if (process.channel !== undefined) watchChannel(process.channel);
  else if (process.env.npm_lifecycle_event !== undefined) watchParent(process.ppid);
}

/** What the script forks has the script for a parent, and its own way to stop. */
function forgetInProcessesOfTheScript() {
  const index = process.execArgv.indexOf("--import");
  if (index >= 0) process.execArgv.splice(index, 2);
}

/** @param {{ unref(): void }} channel to the launcher */
function watchChannel(channel) {
  process.on("disconnect", stop);
  channel.unref(); // watching must not keep a finished script alive
}

/** @param {number} parent npm, which has no channel to its scripts */
function watchParent(parent) {
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    stop();
  }, POLL_MILLISECONDS);
  timer.unref();
}

function stop() {
  process.kill(process.pid, "SIGTERM");
}
