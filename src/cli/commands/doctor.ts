import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { type CommonOptions, outputOption, profileOf, show } from "../command.ts";
import type { Finding } from "../doctor/finding.ts";
import type { Profile } from "../profile.ts";
import { formatTable } from "../table.ts";
import type { World } from "../world.ts";

interface DoctorOptions extends CommonOptions {
  readonly opsUrl?: string;
  readonly otherTenant?: string;
}

/** `mayfly doctor` */
export function addDoctor(program: Command, world: World): void {
  program
    .command("doctor")
    .summary("check configuration, database, clock, mail, and that tenants are apart")
    .description(
      "Checks what a server on this machine would read, the server of the profile, and the profile.\n\nEnds with 1 if anything fails.",
    )
    .option("--ops-url <url>", "the operators' listener (MAYFLY_OPS_HOST, MAYFLY_OPS_PORT)")
    .option("--other-tenant <id>", "a tenant that exists and must stay closed; else an id made up")
    .addOption(outputOption())
    .action((_: unknown, command: Command) => examine(world, command.optsWithGlobals<DoctorOptions>()));
}

async function examine(world: World, options: DoctorOptions): Promise<void> {
  // Loaded here: no other command needs what checks mail and configuration.
  const { checkMachine } = await import("../doctor/machine-checks.ts");
  const { checkServer, operationsUrlOf } = await import("../doctor/server-checks.ts");
  const { checkTenant } = await import("../doctor/tenant-checks.ts");
  const profile = await findProfile(world, options);
  const machine = await checkMachine(world);
  const origin = "origin" in profile ? profile.origin : machine.config?.publicUrl;
  const findings = [...machine.findings];
  if (origin !== undefined) {
    const operationsUrl = options.opsUrl?.replace(/\/$/, "") ?? operationsUrlOf(machine.config);
    findings.push(...(await checkServer(world, { origin, operationsUrl })));
  }
  const isUp = !findings.some(({ name, status }) => name === "server" && status === "fail");
  if ("origin" in profile && isUp) findings.push(...(await checkTenant(profile, options.otherTenant)));
  if (!("origin" in profile)) findings.push(profile);
  show(world, options, { value: { findings }, text: describe(findings) });
  if (findings.some(({ status }) => status === "fail")) process.exitCode = 1;
}

/** The profile, or what the lack of one means. */
async function findProfile(world: World, options: DoctorOptions): Promise<Profile | Finding> {
  try {
    return await profileOf(world, options);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { name: "credentials", status: "skip", detail: error.message, advice: error.advice ?? "mayfly login" };
  }
}

function describe(findings: readonly Finding[]): string {
  const rows = findings.flatMap(({ name, status, detail, advice }) => [
    [status, name, detail],
    ...(advice === undefined ? [] : [["", "", `-> ${advice}`]]),
  ]);
  return formatTable(["", "CHECK", "FOUND"], rows);
}
