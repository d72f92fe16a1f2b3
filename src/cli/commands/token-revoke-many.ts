import { setTimeout } from "node:timers/promises";
import { type Command, InvalidArgumentError } from "commander";
import { UUID } from "../../protocol/id-grammar.ts";
import { CliError } from "../cli-error.ts";
import { type CommonOptions, outputOption, profileOf, readDuration, realmPathOf, show } from "../command.ts";
import { describeUntil } from "../duration.ts";
import { numberOf, objectOf, textOf } from "../json.ts";
import { type Call, createManagementClient, RefusedCall } from "../management-client.ts";
import type { Profile } from "../profile.ts";
import { formatPairs } from "../table.ts";
import { callWithPower } from "../with-power.ts";
import type { World } from "../world.ts";

interface RevokeManyOptions extends CommonOptions {
  readonly realm?: string;
  readonly application?: string;
  readonly identity?: string;
  readonly group?: string;
  readonly key?: string;
  readonly scope?: string;
  readonly issuedBefore?: number;
  readonly expiresIn?: number;
  readonly wait: boolean;
  readonly status?: string;
}

const ASK_EVERY_MS = 1_000;
/** Whoever ends everything ends the token that it asks with, too: the next one lives. */
const LOST_TOKENS_MAX = 5;

/** `mayfly token revoke-many` */
export function addTokenRevokeMany(parent: Command, world: World): void {
  parent
    .command("revoke-many")
    .summary("end every token that fits: by application, person, group, key, scope or time")
    .description(
      "Revokes every token and refresh family of a realm that fits all that is named, or with --expires-in gives them an earlier end. Says on standard error how far it is, and at the end what became of them.",
    )
    .option("--realm <id>", "realm of the tokens; else the profile's")
    .option("--application <id>", "those of an application")
    .option("--identity <id>", "those of a person")
    .option("--group <id>", "those of the people in a group")
    .option("--key <kid>", "those that a key has signed")
    .option("--scope <scope>", "those with a scope")
    .option(
      "--issued-before <instant>",
      "those that were issued before: 2026-01-31T12:00:00Z, or epoch seconds",
      readInstant,
    )
    .option(
      "-e, --expires-in <duration>",
      "do not revoke them: let them live so long at most from now on",
      readDuration,
    )
    .option("--no-wait", "do not wait until it is done")
    .option("--status <id>", "end nothing: show how far one is that was begun before")
    .addOption(outputOption())
    .action((_: unknown, command: Command) => revokeMany(world, command.optsWithGlobals<RevokeManyOptions>()));
}

async function revokeMany(world: World, options: RevokeManyOptions): Promise<void> {
  const filter = {
    ...{ application_id: options.application, identity_id: options.identity, group_id: options.group },
    ...{ key_id: options.key, scope: options.scope, issued_before: options.issuedBefore },
  };
  const isFiltered = Object.values(filter).some((member) => member !== undefined);
  if (options.status === undefined && !isFiltered)
    throw new CliError("say which tokens: --application, --identity, --group, --key, --scope or --issued-before");
  if (options.status !== undefined && (isFiltered || options.expiresIn !== undefined))
    throw new CliError("--status shows what was begun before: it ends nothing, and takes none of the other options");
  const profile = await profileOf(world, options);
  const path = `${realmPathOf(profile, options)}/token-revocations`;
  const last =
    options.status === undefined
      ? await begin(world, profile, { path, options, filter })
      : await status(profile, path, options.status);
  show(world, options, { value: last.answer, text: describe(last.answer, last.now ?? world.clock.nowSeconds()) });
}

/** What a job says of itself, and its tenant's time then. */
interface Told {
  readonly answer: unknown;
  readonly now: number | undefined;
}

async function begin(
  world: World,
  profile: Profile,
  asked: { readonly path: string; readonly options: RevokeManyOptions; readonly filter: object },
): Promise<Told> {
  const { path, options, filter } = asked;
  const end = options.expiresIn === undefined ? {} : { action: "shorten", expiration_time: options.expiresIn };
  const body = JSON.stringify({ token_revocation: { filter, ...end } });
  const made = await create(profile, { method: "POST", path, body });
  const id = textOf(made.answer, "id") ?? "";
  if (objectOf(made.answer).is_in_force === true) world.note("In force on every node.");
  if (options.wait) return follow(world, profile, `${path}/${id}`);
  const realm = options.realm === undefined ? "" : ` --realm ${options.realm}`;
  world.note(`Under way. How far it is: mayfly token revoke-many --status ${id}${realm}`);
  return made;
}

async function status(profile: Profile, path: string, id: string): Promise<Told> {
  if (!UUID.test(id)) throw new CliError("--status takes the id that mayfly token revoke-many has shown");
  const told = await ask(profile, `${path}/${id}`);
  if (told === undefined) throw new CliError("the token that this was asked with has ended: try again");
  return told;
}

async function create(profile: Profile, call: Omit<Call, "scopes">): Promise<Told> {
  const client = createManagementClient(profile);
  const answer = await callWithPower(client, { ...call, scope: "tokens:delete" });
  return { answer, now: client.tenantNow() };
}

/** Asks until it is done, and says what has changed. */
async function follow(world: World, profile: Profile, path: string): Promise<Told> {
  let said = "";
  for (let lost = 0; ; ) {
    const told = await ask(profile, path);
    if (told === undefined) {
      lost += 1;
      if (lost > LOST_TOKENS_MAX) throw new CliError(`no token lives long enough to ask for ${path}`);
    } else {
      const progress = describeProgress(told.answer);
      if (progress !== said) world.note(progress);
      said = progress;
      if (textOf(told.answer, "state") === "DONE") return told;
    }
    await setTimeout(ASK_EVERY_MS);
  }
}

async function ask(profile: Profile, path: string): Promise<Told | undefined> {
  const client = createManagementClient(profile);
  try {
    const answer = await client.call({ method: "GET", path, scopes: ["tokens:read"] });
    return { answer, now: client.tenantNow() };
  } catch (error) {
    if (error instanceof RefusedCall && error.status === 401) return undefined;
    throw error;
  }
}

const STEPS: Readonly<Record<string, string>> = {
  families: "refresh families",
  tokens: "access tokens",
  late_families: "waiting for requests that were under way",
  late_tokens: "what was issued meanwhile",
  done: "done",
};

function describeProgress(answer: unknown): string {
  const { progress, receipt } = objectOf(answer);
  const step = textOf(progress, "step") ?? "";
  return `${STEPS[step] ?? step}: ${numberOf(progress, "looked_at") ?? 0} looked at, ${numberOf(receipt, "changed") ?? 0} ended`;
}

function describe(answer: unknown, now: number): string {
  const { receipt } = objectOf(answer);
  const count = (member: string) => String(numberOf(receipt, member) ?? 0);
  return formatPairs([
    ["id", textOf(answer, "id") ?? ""],
    ["state", textOf(answer, "state") ?? ""],
    ["matched", count("matched")],
    ["already dead", count("already_dead")],
    [textOf(answer, "action") === "shorten" ? "shortened" : "revoked", count("changed")],
    ["accepted offline", describeOffline(answer, now)],
  ]);
}

/** Until when somebody who asks nobody may still accept one of the tokens: known when all have been looked at. */
function describeOffline(answer: unknown, now: number): string {
  const until = numberOf(objectOf(answer).receipt, "accepted_offline_until");
  if (textOf(answer, "state") !== "DONE") return "not known yet";
  return until === undefined ? "none of those that matched" : describeUntil(until, now);
}

function readInstant(text: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text);
  const ms = /^\d{4}-\d{2}-\d{2}(T.+)?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new InvalidArgumentError("Write it like 2026-01-31T12:00:00Z, or as seconds since 1970.");
  return Math.floor(ms / 1_000);
}
