import { isAbsolute, join } from "node:path";
import type { Environment } from "../config.ts";
import type { Path, Problem } from "./file.ts";
import type { DeclaredFile, SecretSource } from "./file-schema.ts";

/** What the secrets of a file are read from. */
export interface SecretPlaces {
  readonly environment: Environment;
  /** the directory of the declarative file: relative paths begin there */
  readonly directory: string;
  readonly readText: (path: string) => Promise<string>;
}

/** The client secrets of a file by their place, and what kept others from being read. */
export interface ResolvedSecrets {
  readonly find: (path: Path) => string | undefined;
  readonly problems: readonly Problem[];
}

/**
 * Reads every client secret that the file names. Whether one is good enough, the plan judges.
 *
 * @param places undefined where only texts are taken: who sends a request must not learn what the server can read
 */
export async function resolveSecrets(
  content: DeclaredFile,
  places: SecretPlaces | undefined,
): Promise<ResolvedSecrets> {
  const found = new Map<string, string>();
  const problems: Problem[] = [];
  for (const { path, source } of listSecrets(content)) {
    const secret = await readSecret(source, places);
    if ("rule" in secret) problems.push({ path, rule: secret.rule });
    else found.set(path.join("/"), secret.text);
  }
  return { find: (path) => found.get(path.join("/")), problems };
}

function listSecrets(content: DeclaredFile): { path: Path; source: SecretSource }[] {
  return content.tenants.flatMap((tenant, t) =>
    (tenant.realms ?? []).flatMap((realm, r) =>
      (realm.applications ?? []).flatMap((application, a) => {
        const source = application.protocol_config?.client_secret;
        const path = ["tenants", t, "realms", r, "applications", a, "protocol_config", "client_secret"];
        return source === undefined ? [] : [{ path, source }];
      }),
    ),
  );
}

async function readSecret(
  source: SecretSource,
  places: SecretPlaces | undefined,
): Promise<{ text: string } | { rule: string }> {
  if (typeof source === "string") return { text: source };
  if (places === undefined)
    return { rule: "must be the text itself here: the server reads no environment and no file for a request" };
  if (source.env !== undefined) {
    const text = places.environment[source.env];
    if (text === undefined || text === "") return { rule: `the environment has no ${source.env}` };
    return { text };
  }
  const name = source.file ?? "";
  try {
    const text = await places.readText(isAbsolute(name) ? name : join(places.directory, name));
    return { text: text.replace(/\r?\n$/, "") };
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? ` (${error.code})` : "";
    return { rule: `${name} cannot be read${reason}` };
  }
}
