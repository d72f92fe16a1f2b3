import { type Command, Option } from "commander";
import { stringify } from "yaml";
import { EXPORT_SCOPES } from "../../protocol/management-scopes.ts";
import { type CommonOptions, profileOf } from "../command.ts";
import { createManagementClient } from "../management-client.ts";
import type { World } from "../world.ts";

interface ExportOptions extends CommonOptions {
  readonly people: boolean;
}

/** `mayfly export` */
export function addExport(program: Command, world: World): void {
  program
    .command("export")
    .summary("print the tenant as a declarative file")
    .description("Prints the profile's tenant as a declarative file, without secrets: applying it changes nothing.")
    .option("--no-people", "without identities, and without who belongs to groups and roles")
    .addOption(new Option("-o, --output <format>", "how to print it").choices(["yaml", "json"]).default("yaml"))
    .action((_: unknown, command: Command) => exportTenant(world, command.optsWithGlobals<ExportOptions>()));
}

async function exportTenant(world: World, options: ExportOptions): Promise<void> {
  const profile = await profileOf(world, options);
  const path = `/v1/tenants/${profile.key.tenantId}:export${options.people ? "" : "?people=false"}`;
  const tenant = await createManagementClient(profile).call({ method: "GET", path, scopes: EXPORT_SCOPES });
  const file = { version: 1, tenants: [tenant] };
  world.print(options.output === "json" ? JSON.stringify(file, null, 2) : stringify(file, { lineWidth: 0 }).trimEnd());
}
