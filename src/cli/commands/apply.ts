import { dirname } from "node:path";
import type { Command } from "commander";
import { MANAGEMENT_SCOPES } from "../../protocol/management-scopes.ts";
import { CliError } from "../cli-error.ts";
import { type CommonOptions, outputOption, profileOf, show } from "../command.ts";
import { type DeclaredPart, readDeclaredPart } from "../declared-file.ts";
import { INPUT, readGivenText } from "../given-text.ts";
import { listOf, textOf } from "../json.ts";
import { createManagementClient, RefusedCall } from "../management-client.ts";
import type { Profile } from "../profile.ts";
import type { World } from "../world.ts";

interface ApplyOptions extends CommonOptions {
  readonly file: string;
  readonly dryRun?: true;
}

/** As the server's own --dry-run: something would change. */
const DIFFERENCES = 2;

/** `mayfly apply` */
export function addApply(program: Command, world: World): void {
  program
    .command("apply")
    .summary("make the tenant what a declarative file says")
    .description(
      "Applies the profile's tenant's part of a declarative file, all of it or nothing. What the file does not name is left alone, unless prune: true stands at the tenant. Secrets that it names by env and file are read here.",
    )
    .requiredOption("-f, --file <path>", "YAML or JSON, a whole file or one tenant's part; - is standard input")
    .option("--dry-run", "only say what would change; ends with 2 if anything would")
    .addOption(outputOption())
    .action((_: unknown, command: Command) => apply(world, command.optsWithGlobals<ApplyOptions>()));
}

async function apply(world: World, options: ApplyOptions): Promise<void> {
  const profile = await profileOf(world, options);
  const part = await readPart(world, options.file, profile);
  if (part.others.length > 0)
    world.note(`Only ${profile.key.tenantId} is applied; ${part.others.join(", ")} are left alone.`);
  const answer = await sendPart(profile, part, options.dryRun === true);
  const changes = listOf(answer, "changes");
  const lines = changes.map((change) => {
    const details = listOf(change, "details").join("; ");
    return `${textOf(change, "action")} ${textOf(change, "what")}${details === "" ? "" : `: ${details}`}`;
  });
  show(world, options, { value: answer, text: lines.length === 0 ? "no changes" : lines.join("\n") });
  if (options.dryRun === true && changes.length > 0) process.exitCode = DIFFERENCES;
}

async function readPart(world: World, file: string, { key }: Profile): Promise<DeclaredPart> {
  const isInput = file === INPUT;
  const text = await readGivenText(world, file);
  const directory = isInput ? "." : dirname(file);
  const source = { name: isInput ? "standard input" : file, text, directory, environment: world.environment };
  return readDeclaredPart(source, key.tenantId);
}

async function sendPart(profile: Profile, { tenant, locate }: DeclaredPart, isDryRun: boolean): Promise<unknown> {
  const path = `/v1/tenants/${profile.key.tenantId}:apply${isDryRun ? "?dry_run=true" : ""}`;
  try {
    const body = JSON.stringify(tenant);
    return await createManagementClient(profile).call({ method: "POST", path, body, scopes: MANAGEMENT_SCOPES });
  } catch (error) {
    if (!(error instanceof RefusedCall) || error.violations.length === 0) throw error;
    throw new CliError(error.violations.map(locate).join("\n"), { advice: "Nothing was changed.", cause: error });
  }
}
