import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Command, Option } from "commander";
import { CliError } from "../cli-error.ts";
import { applicationPathOf, type CommonOptions } from "../command.ts";
import { readGivenText } from "../given-text.ts";
import { textOf } from "../json.ts";
import { issuerOf, type Profile, parseIssuer } from "../profile.ts";
import {
  findProfile,
  openProfile,
  profileNameOf,
  readProfiles,
  type StoredProfile,
  writeProfile,
} from "../profile-store.ts";
import { refusedToken, requestToken } from "../token-client.ts";
import type { World } from "../world.ts";

interface LoginOptions extends CommonOptions {
  readonly issuer?: string;
  readonly clientId?: string;
  readonly clientSecret?: string;
  readonly clientSecretFile?: string;
  readonly application?: string;
  readonly realm?: string;
  readonly dataDir?: string;
}

const DATA_DIRECTORY = "./data";

/** `mayfly login` and `mayfly logout`: which credentials the other commands use. */
export function addLogin(program: Command, world: World): void {
  program
    .command("login")
    .summary("choose the credentials that the other commands use")
    .description(
      "Checks credentials and keeps them for the other commands.\n\nWithout --issuer they are those that the server on this machine wrote at its first start.\nThe secret comes from a prompt, from standard input, from MAYFLY_CLI_CLIENT_SECRET or from a file; never from an argument.",
    )
    .option("--issuer <url>", "issuer of the application")
    .option("--application <id>", "instead: an application of the tenant that the default profile is for")
    .option("--realm <id>", "its realm, where it is another than the default profile's")
    .option("--client-id <id>", "its client_id")
    .option("--client-secret-file <path>", "a file with its client_secret; - is standard input")
    .addOption(new Option("--client-secret <secret>").hideHelp())
    .option("--data-dir <path>", `data directory of the server on this machine (MAYFLY_DATA_DIR, or ${DATA_DIRECTORY})`)
    .action((_: unknown, command: Command) => login(world, command.optsWithGlobals<LoginOptions>()));
  program
    .command("logout")
    .summary("forget the credentials of a profile")
    .action((_: unknown, command: Command) => logout(world, command.optsWithGlobals<CommonOptions>()));
}

async function login(world: World, options: LoginOptions): Promise<void> {
  if (options.clientSecret !== undefined) {
    throw new CliError(
      "a secret is not taken from an argument: it would stay in the shell's history, and others on this machine see it",
      {
        advice:
          "Leave --client-secret out and type it, pipe it (… | mayfly login …), or use --client-secret-file PATH.",
      },
    );
  }
  const name = profileNameOf(world, options.profile);
  const issuer = options.application === undefined ? options.issuer : await findIssuer(world, options);
  const stored = issuer === undefined ? findLocal(world, options) : await askRemote(world, issuer, options);
  const profile = await openProfile(name, stored);
  await check(profile);
  const path = await writeProfile(world, name, stored);
  world.note(
    [
      `Logged in as the client ${profile.clientId} of ${issuerOf(profile)}.`,
      `The profile ${name} is kept in ${path}${"credentials_file" in stored ? `; its secret stays in ${stored.credentials_file}` : ""}.`,
      "Next: mayfly token issue --expires-in 15m",
    ].join("\n"),
  );
}

async function logout(world: World, options: CommonOptions): Promise<void> {
  const name = profileNameOf(world, options.profile);
  if (!(await readProfiles(world)).has(name)) throw new CliError(`there is no profile ${JSON.stringify(name)}`);
  await writeProfile(world, name, undefined);
  world.note(`The profile ${name} is forgotten. Its client and its tokens live on.`);
}

function findLocal(world: World, { dataDir }: LoginOptions): StoredProfile {
  const directory = dataDir ?? world.environment.MAYFLY_DATA_DIR ?? DATA_DIRECTORY;
  const file = resolve(join(directory, "bootstrap.json"));
  if (existsSync(file)) return { credentials_file: file };
  throw new CliError(`there is no ${file}, which a server writes at its first start`, {
    advice:
      "Start one here (mayfly start), name its data directory (--data-dir), or log in elsewhere: mayfly login --issuer URL --client-id ID",
  });
}

/** The issuer of another application of the tenant that the default profile is for. */
async function findIssuer(world: World, { application, realm }: LoginOptions): Promise<string> {
  const profile = await findProfile(world, undefined);
  return `${profile.origin}${applicationPathOf(profile, { realm, application })}`;
}

async function askRemote(world: World, issuer: string, options: LoginOptions): Promise<StoredProfile> {
  const place = parseIssuer(issuer.replace(/\/\.well-known\/.*$/, ""));
  const { clientId } = options;
  if (clientId === undefined)
    throw new CliError("which client? --issuer and --application need --client-id", {
      advice: "mayfly login --issuer URL --client-id ID",
    });
  const secret = (await readSecret(world, options)).replace(/\r?\n$/, "");
  if (secret === "") throw new CliError("the secret is empty");
  return { issuer: issuerOf(place), client_id: clientId, client_secret: secret };
}

async function readSecret(world: World, { clientSecretFile }: LoginOptions): Promise<string> {
  if (clientSecretFile !== undefined) return readGivenText(world, clientSecretFile);
  const { MAYFLY_CLI_CLIENT_SECRET: secret } = world.environment;
  if (secret !== undefined && secret !== "") return secret;
  return world.canAsk ? world.askSecret("Client secret: ") : world.readInput();
}

/** Whether the server takes the credentials: asks for a token of one minute that may do next to nothing. */
async function check(profile: Profile): Promise<void> {
  const answer = await requestToken(profile, {
    scope: "tokens:introspect",
    expiration_time: "60",
    token_name: "mayfly login",
  });
  const code = textOf(answer.json, "error");
  // A lifetime or scope that is refused was refused to a client that is who it says it is.
  if (answer.status === 200 || code === "invalid_request" || code === "invalid_scope") return;
  throw refusedToken(profile, answer);
}
