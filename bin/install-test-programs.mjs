/** The programs that the tests use besides npm's packages: a PostgreSQL server and a browser. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { findPostgresPrograms } from "./postgres.mjs";

const BROWSERS = ["chromium", "chromium-browser", "google-chrome"];
const POSTGRES_PACKAGES = ["postgresql-15", "postgresql"];

/** Brings what is missing by apt-get where this user may; else says what to install, and lets the tests that need it fail. */
export async function installTestPrograms() {
  /** @type {{ what: string, candidates: string[] }[]} */
  const missing = [];
  if (findPostgresPrograms() === undefined)
    missing.push({ what: "PostgreSQL 15 or newer", candidates: POSTGRES_PACKAGES });
  if (!BROWSERS.some(isOnPath)) missing.push({ what: "Chromium", candidates: ["chromium"] });
  if (missing.length === 0) return;
  const names = missing.map(({ what }) => what).join(" and ");
  if (!isOnPath("apt-get") || process.getuid?.() !== 0) {
    process.stderr.write(
      `The tests need ${names}: please install (on Debian, as root: apt-get install ${missing.map(({ candidates }) => candidates.at(-1)).join(" ")}).\n`,
    );
    return;
  }
  process.stderr.write(`Installing ${names} for the tests ... `);
  apt(["update"]);
  const packages = missing.map(({ candidates }) => candidates.find(isAvailable) ?? candidates.at(-1) ?? "");
  apt(["install", "--yes", "--no-install-recommends", ...packages]);
  process.stderr.write("done\n");
}

/** @param {string} program */
function isOnPath(program) {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, program)));
}

/** @param {string} name */
function isAvailable(name) {
  return spawnSync("apt-cache", ["show", name], { stdio: "ignore" }).status === 0;
}

/** @param {string[]} args */
function apt(args) {
  // RUNLEVEL=1: the packages start no service of their own; the tests start and stop theirs.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  const { status, stderr, stdout } = spawnSync("apt-get", ["-qq", ...args], { env, encoding: "utf8" });
  if (status !== 0)
    throw new Error(
      `failed\napt-get ${args.join(" ")}:\n${(stderr || stdout).trim().split("\n").slice(-10).join("\n")}`,
    );
}
