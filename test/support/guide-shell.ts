import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { reconcileFile } from "../../src/declarative/reconcile.ts";
import { readGuideBlocks } from "./guide-blocks.ts";
import { LAUNCHER } from "./run-cli.ts";
import type { TestTenant } from "./test-tenant.ts";

/** A terminal in a server's folder, in which somebody follows a guide. */
export interface GuideShell extends AsyncDisposable {
  /**
   * Pastes the next commands that the guide shows.
   *
   * @param change what they name in place of what the guide says
   * @returns what they print
   */
  next(change?: (commands: string) => string): Promise<string>;
  /** Leaves so many out that install or start what the test has in its own way. */
  skip(count: number): void;
  /** Prints a variable that the guide has set. */
  print(variable: string): Promise<string>;
  /** Makes the server that runs what a file of the guide declares, where the guide starts one with it. */
  declare(file: string, secrets: readonly string[]): Promise<void>;
}

/** The address of a server that a guide has started. */
export const GUIDE_URL = "http://localhost:8021";
/** Nothing is installed or started; the command line is the launcher; and `openssl rand -hex 32` need not be on the machine. */
const COMMANDS = {
  npm: "exit 0",
  npx: `shift; exec "${process.execPath}" "${LAUNCHER}" "$@"`,
  openssl: `exec "${process.execPath}" -p 'require("crypto").randomBytes(32).toString("hex")'`,
};

/** Opens a terminal whose server's first tenant is this one, to follow a guide from its first command on. */
export async function guideShell(
  guide: string,
  tenant: TestTenant,
  variables: Readonly<Record<string, string>> = {},
): Promise<GuideShell> {
  const blocks = [...(await readGuideBlocks(guide, "sh"))];
  const directory = await mkdtemp(join(tmpdir(), "mayfly-guide-"));
  await writeCredentials(directory, tenant);
  await writeCommands(join(directory, "bin"));
  const run = startShell(directory, variables);
  const { url, deps } = tenant.server;
  const print = async (variable: string): Promise<string> => (await run.paste(`echo "$${variable}"`)).trim();
  return {
    print,
    skip: (count) => {
      blocks.splice(0, count);
    },
    next: (change = (commands) => commands) => {
      const block = blocks.shift();
      if (block === undefined) throw new Error(`${guide} shows no more commands`);
      return run.paste(change(block.replaceAll(GUIDE_URL, url)));
    },
    declare: async (file, secrets) => {
      const environment: Record<string, string> = {};
      for (const name of secrets) environment[name] = await print(name);
      await reconcileFile(deps, join(directory, file), environment);
    },
    [Symbol.asyncDispose]: async () => {
      await run.end();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** What a first start leaves in the server's folder. */
async function writeCredentials(directory: string, { server, tenantId, management }: TestTenant): Promise<void> {
  await mkdir(join(directory, "data"));
  const credentials = {
    public_url: server.url,
    tenant_id: tenantId,
    client_id: management.clientId,
    client_secret: management.clientSecret,
    issuer: management.issuer,
    token_endpoint: `${management.issuer}/token`,
    introspection_endpoint: `${management.issuer}/introspect`,
  };
  await writeFile(join(directory, "data/bootstrap.json"), JSON.stringify(credentials));
}

async function writeCommands(directory: string): Promise<void> {
  await mkdir(directory);
  for (const [name, text] of Object.entries(COMMANDS))
    await writeFile(join(directory, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}

/** One shell for all commands, so that a variable is known to the next ones. It ends with the first that fails. */
function startShell(directory: string, variables: Readonly<Record<string, string>>) {
  const PATH = [join(directory, "bin"), dirname(process.execPath), process.env.PATH].join(delimiter);
  const env = { PATH, XDG_CONFIG_HOME: join(directory, "config"), ...variables };
  const child = spawn("bash", ["-eu", "-o", "pipefail"], { cwd: directory, env });
  const ended = once(child, "close");
  let printed = "";
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaints += text;
  });
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  const failed = ended.then(() => {
    throw new Error(`a command of the guide failed: ${complaints}`);
  });
  failed.catch(() => undefined); // whoever pastes next hears of it
  const paste = async (commands: string): Promise<string> => {
    printed = "";
    const file = join(directory, "commands.sh");
    await writeFile(file, commands);
    child.stdin.write(`. ${file} < /dev/null; printf '\\0'\n`);
    while (!printed.endsWith("\0")) await Promise.race([once(child.stdout, "data"), failed]);
    return printed.slice(0, -1);
  };
  const end = async (): Promise<void> => {
    child.stdin.end();
    await ended;
  };
  return { paste, end };
}
