import { InvalidArgumentError, Option } from "commander";
import { realmPath } from "../protocol/client-metadata.ts";
import { HEX_ID, UUID } from "../protocol/id-grammar.ts";
import { CliError } from "./cli-error.ts";
import { parseDuration } from "./duration.ts";
import type { Profile } from "./profile.ts";
import { findProfile } from "./profile-store.ts";
import type { World } from "./world.ts";

/** The options that every command has. */
export interface CommonOptions {
  readonly profile?: string;
  readonly output?: string;
}

/** How a command's answer is printed. */
export interface Shown {
  /** for programs */
  readonly value: unknown;
  /** for people */
  readonly text: string;
}

/** `--output` of the commands that print a table or JSON. */
export function outputOption(): Option {
  const description = "how to print it; a table on a terminal, else json";
  return new Option("-o, --output <format>", description).choices(["table", "json"]);
}

/** The format that an answer is printed in. */
export function formatOf(world: World, { output }: CommonOptions): string {
  return output ?? (world.isTerminal ? "table" : "json");
}

/** Prints an answer: a table on a terminal, JSON elsewhere, or as `--output` says. */
export function show(world: World, options: CommonOptions, shown: Shown): void {
  world.print(formatOf(world, options) === "json" ? JSON.stringify(shown.value, null, 2) : shown.text);
}

/** The profile that a command was given, or the one that it finds. */
export function profileOf(world: World, options: CommonOptions): Promise<Profile> {
  return findProfile(world, options.profile);
}

/** Reads an option's length of time. */
export function readDuration(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new InvalidArgumentError("Write it like 15m, 1h, 1h30m, 7d, or 900 for seconds.");
  return seconds;
}

/** Which realm and application a command is about: those named, else the profile's own. */
export interface PlaceOptions {
  readonly realm?: string | undefined;
  readonly application?: string | undefined;
}

/** The path of a realm. Throws CliError for ids of another form. */
export function realmPathOf({ key }: Profile, { realm = key.realmId }: PlaceOptions): string {
  if (!HEX_ID.test(realm)) throw new CliError("--realm takes an id of 16 hexadecimal digits");
  return realmPath({ tenantId: key.tenantId, realmId: realm });
}

/** The path of an application. Throws CliError for ids of another form. */
export function applicationPathOf(profile: Profile, place: PlaceOptions): string {
  const { realm, application = profile.key.applicationId } = place;
  if (!UUID.test(application)) throw new CliError("--application takes a UUID");
  if (realm !== undefined && realm !== profile.key.realmId && place.application === undefined) {
    throw new CliError("--realm needs --application here: the profile's application is in another realm");
  }
  return `${realmPathOf(profile, place)}/applications/${application}`;
}
