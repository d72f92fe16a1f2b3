import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CliError } from "./cli-error.ts";
import { objectOf, parseJson, textOf } from "./json.ts";
import { type Profile, readCredentials } from "./profile.ts";
import type { World } from "./world.ts";

/** What is kept of a login: a file of the server's with the credentials, or the credentials. */
export type StoredProfile =
  | { readonly credentials_file: string }
  | { readonly issuer: string; readonly client_id: string; readonly client_secret: string };

/** The profile that is used unless another is named. */
const DEFAULT_PROFILE = "default";
const OTHERS = 0o077;
const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** The name of the profile that a command is for: `--profile`, `MAYFLY_CLI_PROFILE`, or `default`. */
export function profileNameOf(world: World, asked: string | undefined): string {
  const name = asked ?? world.environment.MAYFLY_CLI_PROFILE ?? DEFAULT_PROFILE;
  if (NAME.test(name)) return name;
  throw new CliError("a profile's name has letters, digits, '.', '_' and '-', at most 64");
}

/** Finds the credentials that a command is to use: those of the environment, or of the profile. */
export async function findProfile(world: World, asked: string | undefined): Promise<Profile> {
  const { MAYFLY_CLI_ISSUER: issuer, MAYFLY_CLI_CLIENT_ID: id, MAYFLY_CLI_CLIENT_SECRET: secret } = world.environment;
  if (asked === undefined && issuer !== undefined) {
    const written = { issuer, client_id: id, client_secret: secret };
    return readCredentials({ name: "environment", source: "the environment (MAYFLY_CLI_…)", written });
  }
  const name = profileNameOf(world, asked);
  const stored = (await readProfiles(world)).get(name);
  if (stored === undefined) {
    throw new CliError(`there is no profile ${JSON.stringify(name)}: nobody has logged in`, {
      advice: `Log in first: mayfly login${name === DEFAULT_PROFILE ? "" : ` --profile ${name}`}`,
    });
  }
  return openProfile(name, stored);
}

/** The credentials of a stored profile. */
export async function openProfile(name: string, stored: StoredProfile): Promise<Profile> {
  if (!("credentials_file" in stored)) return readCredentials({ name, source: `the profile ${name}`, written: stored });
  const file = stored.credentials_file;
  return readCredentials({ name, source: file, written: parseJson(await readText(file)) });
}

/** All profiles by their names. */
export async function readProfiles(world: World): Promise<Map<string, StoredProfile>> {
  const path = storeOf(world);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return new Map();
    throw new CliError(`${path} cannot be read`, { cause });
  }
  if (((await stat(path)).mode & OTHERS) !== 0) {
    throw new CliError(`${path} holds secrets and can be read by others`, { advice: `Run: chmod 0600 ${path}` });
  }
  const profiles = Object.entries(objectOf(objectOf(parseJson(text)).profiles));
  return new Map(profiles.flatMap(([name, value]) => toStored(value).map((stored) => [name, stored])));
}

/** Keeps a profile, or forgets it; the file is for this user only. */
export async function writeProfile(world: World, name: string, profile: StoredProfile | undefined): Promise<string> {
  const profiles = await readProfiles(world);
  if (profile === undefined) profiles.delete(name);
  else profiles.set(name, profile);
  const path = storeOf(world);
  await mkdir(join(path, ".."), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}.draft`;
  await writeFile(draft, `${JSON.stringify({ profiles: Object.fromEntries(profiles) }, null, 2)}\n`, { mode: 0o600 });
  await rename(draft, path);
  return path;
}

function storeOf({ environment, homeDirectory }: World): string {
  const base = environment.XDG_CONFIG_HOME;
  return join(base === undefined || base === "" ? join(homeDirectory, ".config") : base, "mayfly", "profiles.json");
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new CliError(`${file}, which the profile names, cannot be read`, {
      advice: "Start the server there, or log in again: mayfly login",
      cause,
    });
  }
}

function toStored(value: unknown): StoredProfile[] {
  const file = textOf(value, "credentials_file");
  if (file !== undefined) return [{ credentials_file: file }];
  const [issuer, client_id, client_secret] = ["issuer", "client_id", "client_secret"].map((name) =>
    textOf(value, name),
  );
  if (issuer === undefined || client_id === undefined || client_secret === undefined) return [];
  return [{ issuer, client_id, client_secret }];
}
