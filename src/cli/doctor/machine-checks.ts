import { existsSync } from "node:fs";
import { access, constants, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Config, ConfigError, isLoopbackUrl, readConfig } from "../../config.ts";
import { checkMailServer } from "../../platform/mail.ts";
import type { World } from "../world.ts";
import { type Finding, fail, ok, skip, warn } from "./finding.ts";

const OTHERS = 0o077;
const KEY = "master key";
const MAIL = "mail";

/** What this machine's environment says of a server: its configuration, or why there is none. */
export interface MachineReport {
  readonly config: Config | undefined;
  readonly findings: readonly Finding[];
}

/** Checks what a server would read on this machine: configuration, master key, mail. */
export async function checkMachine(world: World): Promise<MachineReport> {
  const config = tryReadConfig(world);
  if (typeof config === "string") {
    return {
      config: undefined,
      findings: [fail("configuration", config, "Mend the variable; docs/configuration.md lists all.")],
    };
  }
  const directory = resolve(config.dataDirectory);
  if (!existsSync(directory) && config.databaseUrl === undefined) {
    const advice = "Run doctor where the server runs, with its MAYFLY_ variables, to look at these.";
    const elsewhere = `no server's data directory here (${directory})`;
    return { config: undefined, findings: ["configuration", KEY, MAIL].map((name) => skip(name, elsewhere, advice)) };
  }
  const database = config.databaseUrl === undefined ? `embedded in ${directory}` : "a PostgreSQL server";
  const findings = [ok("configuration", `${config.publicUrl}, database ${database}`)];
  findings.push(await checkMasterKey(config), await checkMail(config));
  return { config, findings };
}

function tryReadConfig({ environment }: World): Config | string {
  try {
    return readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

async function checkMasterKey(config: Config): Promise<Finding> {
  if (config.masterKeys !== undefined) return ok(KEY, "from MAYFLY_MASTER_KEY");
  const file = config.masterKeyFile ?? join(resolve(config.dataDirectory), "master.key");
  const mode = await modeOf(file);
  if (mode === undefined) {
    const isMade = config.masterKeyFile === undefined;
    const advice = isMade
      ? "Start the server once: it makes one."
      : "Mend MAYFLY_MASTER_KEY_FILE; without it nothing starts.";
    return (isMade ? warn : fail)(KEY, `${file} cannot be read`, advice);
  }
  if ((mode & OTHERS) !== 0) return fail(KEY, `${file} can be read by others`, `Run: chmod 0600 ${file}`);
  if (config.masterKeyFile !== undefined || isLoopbackUrl(config.publicUrl)) return ok(KEY, file);
  return warn(KEY, `${file} lies beside the data that it protects`, "Keep it elsewhere: MAYFLY_MASTER_KEY_FILE.");
}

async function modeOf(file: string): Promise<number | undefined> {
  try {
    await access(file, constants.R_OK);
    return (await stat(file)).mode;
  } catch {
    return undefined;
  }
}

async function checkMail({ smtpUrl, dataDirectory }: Config): Promise<Finding> {
  if (smtpUrl === undefined) return checkOutbox(resolve(dataDirectory));
  const server = new URL(smtpUrl).host;
  try {
    await checkMailServer(smtpUrl);
    return ok(MAIL, `${server} takes mail from us`);
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "no answer";
    return fail(MAIL, `${server} does not (${reason})`, "Check MAYFLY_SMTP_URL: host, port, user and password.");
  }
}

async function checkOutbox(directory: string): Promise<Finding> {
  const outbox = join(directory, "outbox");
  const place = existsSync(outbox) ? outbox : directory;
  try {
    await access(place, constants.W_OK);
  } catch {
    return fail(MAIL, `${place} cannot be written`, "Let the server's user own its data directory.");
  }
  return warn(MAIL, `mails stay as files in ${outbox}`, "For mails that arrive, set MAYFLY_SMTP_URL.");
}
