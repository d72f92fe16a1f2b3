/**
 * A throw-away PostgreSQL server for tests and benchmarks: its own directory, port and password, durable as a real one, gone
 * when it is stopped or when this process ends. What a killed process left behind is removed by the next start. Or a standby of
 * such a server, which follows it until it is promoted.
 */
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  accessSync,
  appendFileSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findFreePort } from "./free-port.mjs";

const DIRECTORY_PREFIX = "mayfly-postgres-";
const INSTALLED_UNDER = "/usr/lib/postgresql";
const START_SECONDS_MAX = 60;
const START_TRIES_MAX = 8;
const START_RETRY_MILLISECONDS = 50;
const STOP_SECONDS_MAX = 30;
const POLL_MILLISECONDS = 20;
const SUPERUSER = "postgres";
const OWNER = "mayfly";

const SETTINGS = {
  listen_addresses: "'127.0.0.1'",
  unix_socket_directories: "''",
  max_connections: "200",
  shared_buffers: "'128MB'",
  timezone: "'UTC'",
  lc_messages: "'C'",
};
const NOT_DURABLE_SETTINGS = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" };

/**
 * @typedef {object} PostgresOptions
 * @property {boolean} [durable] false gives up durability for speed; true unless told
 * @property {Record<string, string>} [settings] further lines of postgresql.conf, values as written there
 * @property {number} [port] a free one unless told
 * @property {PostgresServer} [standbyOf] the running server to copy and follow: same roles, passwords and databases
 */

/**
 * @typedef {object} PostgresServer
 * @property {string} url a database of the role `mayfly`, who may create databases and roles and is no superuser
 * @property {string} adminUrl the superuser's connection to the database `postgres`
 * @property {string} dataDirectory
 * @property {number} port
 * @property {() => Promise<void>} start starts it again, on the same port, after `kill`
 * @property {() => Promise<void>} kill ends it as a power cut would: SIGKILL, no shutdown
 * @property {() => Promise<void>} stop shuts it down and removes its directory
 */

/** @typedef {{ folder: string, directory: string, password: string, user: { uid: number, gid: number } | undefined }} Cluster */

/** @returns {string | undefined} the folder of initdb, postgres and psql; the newest of Debian's, else what is on the PATH */
export function findPostgresPrograms() {
  const versions = existsSync(INSTALLED_UNDER) ? readdirSync(INSTALLED_UNDER) : [];
  const debian = versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(INSTALLED_UNDER, version, "bin"));
  const folders = [...debian, ...(process.env.PATH ?? "").split(delimiter)];
  return folders.find((folder) => ["initdb", "postgres", "psql"].every((name) => isExecutable(join(folder, name))));
}

/**
 * @param {PostgresOptions} [options]
 * @returns {Promise<PostgresServer>}
 */
export async function startPostgres({ durable = true, settings = {}, port: wanted, standbyOf } = {}) {
  const folder = findPostgresPrograms();
  if (folder === undefined)
    throw new Error("PostgreSQL is not installed (on Debian, as root: apt-get install postgresql)");
  removeAbandoned();
  const cluster = createCluster(folder, standbyOf);
  /** @type {{ child: import("node:child_process").ChildProcess, port: number } | undefined} */
  let server;
  const cleanUp = () => {
    if (server !== undefined && !hasEnded(server.child)) server.child.kill("SIGQUIT");
    removeCluster(cluster.directory);
  };
  process.once("exit", cleanUp);
  try {
    writeSettings(cluster, { ...SETTINGS, ...(durable ? {} : NOT_DURABLE_SETTINGS), ...settings });
    server = await startWithRetries(async () => startOn(cluster, wanted ?? (await findFreePort())));
    const { port } = server;
    if (standbyOf === undefined) createOwner(cluster, port);
    return {
      url: urlOf(cluster, port, OWNER, OWNER),
      adminUrl: urlOf(cluster, port, SUPERUSER, "postgres"),
      dataDirectory: join(cluster.directory, "data"),
      port,
      start: async () => {
        server = await startWithRetries(() => startOn(cluster, port));
      },
      kill: async () => end(server?.child, "SIGKILL"),
      stop: async () => {
        await end(server?.child, "SIGINT");
        process.off("exit", cleanUp);
        cleanUp();
      },
    };
  } catch (error) {
    process.off("exit", cleanUp);
    cleanUp();
    throw error;
  }
}

/**
 * @param {string} folder
 * @param {PostgresServer | undefined} standbyOf
 * @returns {Cluster}
 */
function createCluster(folder, standbyOf) {
  const directory = mkdtempSync(join(tmpdir(), DIRECTORY_PREFIX));
  writeFileSync(join(directory, "owner.pid"), String(process.pid));
  const password = standbyOf === undefined ? randomBytes(16).toString("hex") : new URL(standbyOf.url).password;
  const cluster = { folder, directory, password, user: findUnprivilegedUser() };
  const passwordFile = join(directory, "password");
  writeFileSync(passwordFile, cluster.password, { mode: 0o600 });
  mkdirSync(join(directory, "data"), { mode: 0o700 });
  for (const path of [directory, passwordFile, join(directory, "data")]) {
    if (cluster.user !== undefined) chownSync(path, cluster.user.uid, cluster.user.gid);
  }
  try {
    if (standbyOf === undefined) initialise(cluster, passwordFile);
    else copy(cluster, standbyOf.adminUrl);
    return cluster;
  } catch (error) {
    removeCluster(directory);
    throw error;
  }
}

/**
 * A linguistic order by default, as most servers have: a query that relies on the order of bytes must say COLLATE "C".
 * @param {Cluster} cluster
 * @param {string} passwordFile
 */
function initialise(cluster, passwordFile) {
  const common = [`--pgdata=${join(cluster.directory, "data")}`, `--username=${SUPERUSER}`, `--pwfile=${passwordFile}`];
  const args = [...common, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"];
  try {
    run(cluster, "initdb", [...args, "--locale-provider=icu", "--icu-locale=en-US"]);
  } catch {
    run(cluster, "initdb", args); // built without ICU
  }
}

/**
 * @param {Cluster} cluster
 * @param {string} url of the server to follow
 */
function copy(cluster, url) {
  const data = join(cluster.directory, "data");
  run(cluster, "pg_basebackup", ["-D", data, "-d", url, "--write-recovery-conf", "--checkpoint=fast", "--no-sync"]);
}

/**
 * @param {Cluster} cluster
 * @param {Record<string, string>} settings
 */
function writeSettings(cluster, settings) {
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
  appendFileSync(join(cluster.directory, "data", "postgresql.conf"), `\n${lines.join("")}`);
}

/** PostgreSQL refuses to run as root: Debian's package brings a user for it. */
function findUnprivilegedUser() {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ["postgres", "nobody"]) {
    try {
      const [uid, gid] = ["-u", "-g"].map((flag) =>
        Number(execFileSync("id", [flag, name], { stdio: ["ignore", "pipe", "ignore"] })),
      );
      if (uid !== undefined && gid !== undefined) return { uid, gid };
    } catch {} // no such user: try the next
  }
  throw new Error("PostgreSQL does not run as root, and there is no user named postgres or nobody");
}

/**
 * A free port may be taken in between, and after a kill the old server's children hold its memory for a moment.
 * @template T
 * @param {() => Promise<T>} start
 */
async function startWithRetries(start) {
  for (let tries = 1; ; tries++) {
    try {
      return await start();
    } catch (error) {
      if (tries >= START_TRIES_MAX) throw error;
      await sleep(tries * START_RETRY_MILLISECONDS);
    }
  }
}

/**
 * @param {Cluster} cluster
 * @param {number} port
 */
async function startOn(cluster, port) {
  const logFile = join(cluster.directory, "log");
  const log = openSync(logFile, "a");
  const args = ["-D", join(cluster.directory, "data"), "-p", String(port)];
  const child = spawn(join(cluster.folder, "postgres"), args, {
    ...spawnOptions(cluster),
    stdio: ["ignore", log, log],
    detached: true,
  });
  closeSync(log);
  child.unref(); // a test that forgets to stop it must not hang: the exit handler ends it
  /** @type {Error | undefined} */
  let failure;
  child.on("error", (error) => (failure = error));
  const deadline = Date.now() + START_SECONDS_MAX * 1000;
  while (Date.now() < deadline && failure === undefined && !hasEnded(child)) {
    if (isReady(cluster, child.pid)) return { child, port };
    await sleep(POLL_MILLISECONDS);
  }
  await end(child, "SIGKILL");
  throw new Error(`PostgreSQL did not start: ${failure?.message ?? tail(logFile)}`);
}

/**
 * The postmaster writes its pid into the first line of its pid file and its state into the eighth: "ready", or "standby".
 * @param {Cluster} cluster
 * @param {number | undefined} pid
 */
function isReady(cluster, pid) {
  const pidFile = join(cluster.directory, "data", "postmaster.pid");
  const lines = existsSync(pidFile) ? readFileSync(pidFile, "utf8").split("\n") : [];
  return lines[0] === String(pid) && ["ready", "standby"].includes(lines[7]?.trim() ?? "");
}

/**
 * @param {Cluster} cluster
 * @param {number} port
 */
function createOwner(cluster, port) {
  const create = `CREATE ROLE ${OWNER} LOGIN CREATEDB CREATEROLE PASSWORD '${cluster.password}'`;
  const statements = [create, `CREATE DATABASE ${OWNER} OWNER ${OWNER}`].flatMap((statement) => ["-c", statement]);
  run(cluster, "psql", [
    "-X",
    "-q",
    "-v",
    "ON_ERROR_STOP=1",
    ...statements,
    urlOf(cluster, port, SUPERUSER, "postgres"),
  ]);
}

/**
 * @param {Cluster} cluster
 * @param {number} port
 * @param {string} user
 * @param {string} database
 */
function urlOf(cluster, port, user, database) {
  return `postgres://${user}:${cluster.password}@127.0.0.1:${port}/${database}`;
}

/**
 * @param {Cluster} cluster
 * @param {string} program
 * @param {string[]} args
 */
function run(cluster, program, args) {
  execFileSync(join(cluster.folder, program), args, { ...spawnOptions(cluster), stdio: ["ignore", "ignore", "pipe"] });
}

/** @param {Cluster} cluster */
function spawnOptions(cluster) {
  const passed = Object.entries(process.env).filter(([name]) => !/^(PG|LC_|LANG)/.test(name));
  return { cwd: cluster.directory, env: { ...Object.fromEntries(passed), LC_ALL: "C" }, ...cluster.user };
}

/**
 * @param {import("node:child_process").ChildProcess | undefined} child
 * @param {NodeJS.Signals} signal SIGINT is PostgreSQL's fast shutdown
 */
async function end(child, signal) {
  if (child === undefined || hasEnded(child)) return;
  child.ref();
  const ended = once(child, "exit");
  child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_SECONDS_MAX * 1000);
  await ended;
  clearTimeout(timer);
}

/** @param {import("node:child_process").ChildProcess} child */
function hasEnded(child) {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

/** @param {string} directory */
function removeCluster(directory) {
  rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/** What a killed process left: its directory, and its server too if that still runs. */
function removeAbandoned() {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(DIRECTORY_PREFIX)) continue;
    const directory = join(tmpdir(), name);
    try {
      if (isAlive(Number(readFileSync(join(directory, "owner.pid"), "utf8")))) continue;
      if (existsSync(join(directory, "data", "postmaster.pid"))) endServerOf(directory);
      removeCluster(directory);
    } catch {} // another user's, or being made or removed in this moment
  }
}

/** @param {string} directory */
function endServerOf(directory) {
  const pid = Number.parseInt(readFileSync(join(directory, "data", "postmaster.pid"), "utf8"), 10);
  const commandFile = `/proc/${pid}/cmdline`;
  const command = existsSync(commandFile) ? readFileSync(commandFile, "utf8") : "";
  if (command.includes(directory)) process.kill(pid, "SIGQUIT"); // else the number belongs to another process by now
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @param {string} file */
function tail(file) {
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").slice(-10).join("\n") : "it printed nothing";
}
