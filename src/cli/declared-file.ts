import { readFile } from "node:fs/promises";
import { isAbsolute, resolve } from "node:path";
import { LineCounter, parseDocument } from "yaml";
import { ALIASES_MAX, findLine, type Path } from "../platform/yaml-line.ts";
import { CliError } from "./cli-error.ts";
import { listOf, objectOf, textOf } from "./json.ts";
import type { Violation } from "./management-client.ts";

/** One tenant's part of a declarative file, its secrets resolved. */
export interface DeclaredPart {
  readonly tenant: Readonly<Record<string, unknown>>;
  /** ids of the tenants that the file names besides */
  readonly others: readonly string[];
  /** What the server says of a field, with the file's name and line. */
  locate(violation: Violation): string;
}

/** Where a declarative file is from. */
export interface FileSource {
  /** how messages call it */
  readonly name: string;
  readonly text: string;
  /** where relative paths of secrets begin */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads the part of a declarative file that is about one tenant: the whole file (`version`, `tenants`) or the part alone, which
 * need not say its `id`. Secrets that it names by `{env: …}` and `{file: …}` are read here: the server reads neither for a request.
 *
 * @throws CliError naming line and rule
 */
export async function readDeclaredPart(source: FileSource, tenantId: string): Promise<DeclaredPart> {
  const lines = new LineCounter();
  const { name, text } = source;
  const document = readYaml(name, () =>
    parseDocument(text, { version: "1.2", lineCounter: lines, prettyErrors: false }),
  );
  const [broken] = document.errors;
  if (broken !== undefined) {
    throw new CliError(`${name}:${lines.linePos(broken.pos[0]).line}: is not YAML: ${broken.message}`);
  }
  const content: unknown = readYaml(name, () => document.toJS({ maxAliasCount: ALIASES_MAX }));
  const tenants = listOf(content, "tenants");
  const isWhole = "tenants" in objectOf(content);
  const at = tenants.findIndex((tenant) => textOf(tenant, "id") === tenantId);
  if (isWhole && at < 0) throw unknownTenant(source, tenants, tenantId);
  const prefix = isWhole ? ["tenants", at] : [];
  const tenant = isWhole ? objectOf(tenants[at]) : { id: tenantId, ...objectOf(content) };
  const place: Place = { source, lineOf: (path) => findLine(document, [...prefix, ...path], lines) ?? 1 };
  return {
    tenant: await resolveSecrets(tenant, place),
    others: tenants.flatMap((other) => textOf(other, "id") ?? []).filter((id) => id !== tenantId),
    locate: ({ field, description }) => `${source.name}:${place.lineOf(parsePath(field))}: ${field}: ${description}`,
  };
}

// Besides what it says of a document, the parser throws at aliases, and at nesting that no honest file has.
function readYaml<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : "it cannot be read";
    throw new CliError(`${name}:1: is not YAML: ${why}`, { cause });
  }
}

interface Place {
  readonly source: FileSource;
  readonly lineOf: (path: Path) => number;
}

function unknownTenant({ name }: FileSource, tenants: readonly unknown[], tenantId: string): CliError {
  const ids = tenants.map((tenant) => textOf(tenant, "id") ?? "(one without an id)").join(", ");
  return new CliError(`${name} says nothing of ${tenantId}, the profile's tenant, but of ${ids || "no tenant"}`, {
    advice: "Choose a profile of that tenant with --profile. Ids of digits need quotes.",
  });
}

async function resolveSecrets(tenant: unknown, place: Place): Promise<Readonly<Record<string, unknown>>> {
  const copy = structuredClone(objectOf(tenant));
  for (const [r, realm] of listOf(copy, "realms").entries()) {
    for (const [a, application] of listOf(realm, "applications").entries()) {
      const config = objectOf(application).protocol_config;
      if (typeof config !== "object" || config === null || !("client_secret" in config)) continue;
      const path = ["realms", r, "applications", a, "protocol_config", "client_secret"];
      config.client_secret = await resolveSecret(config.client_secret, path, place);
    }
  }
  return copy;
}

async function resolveSecret(written: unknown, path: Path, place: Place): Promise<unknown> {
  const { source } = place;
  const [variable, file] = [textOf(written, "env"), textOf(written, "file")];
  const refuse = (rule: string) => new CliError(`${source.name}:${place.lineOf(path)}: client_secret: ${rule}`);
  if (variable !== undefined) {
    const value = source.environment[variable];
    if (value === undefined || value === "") throw refuse(`the environment has no ${variable}`);
    return value;
  }
  if (file === undefined) return written;
  try {
    const text = await readFile(isAbsolute(file) ? file : resolve(source.directory, file), "utf8");
    return text.replace(/\r?\n$/, "");
  } catch {
    throw refuse(`${file} cannot be read`);
  }
}

/** `realms[0].applications[1].id` in parts. */
function parsePath(field: string): Path {
  return [...field.matchAll(/([^.[\]]+)/g)].map(([part]) => (/^\d+$/.test(part) ? Number(part) : part));
}
