import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { Config } from "./config.ts";
import type { BootstrapResult } from "./declarative/bootstrap.ts";

/** Where `mayfly login` looks unless it is told. */
const DATA_DIRECTORY = "./data";

/** What a started server says: where it is and, on the first start, what to paste next. No secret reaches it (rule 25). */
export function describeStart(config: Config, bootstrap: BootstrapResult): string {
  const ready = `Mayfly is ready at ${config.publicUrl}\n`;
  if (!bootstrap.isFirstStart) {
    // Another node may have made the first start: then they are in its directory.
    return existsSync(bootstrap.file) ? `${ready}The credentials of the first start are in ${bootstrap.file}\n` : ready;
  }
  const read = (member: string) => `$(node -p 'require("${bootstrap.file}").${member}')`;
  const client = `-u "${read("client_id")}:${read("client_secret")}"`;
  const place = config.dataDirectory === DATA_DIRECTORY ? "" : ` --data-dir "${dirname(bootstrap.file)}"`;
  return [
    ready,
    `This is the first start. Your credentials are in ${bootstrap.file}`,
    "",
    "A token that lives 15 minutes, though its application allows 90 days:",
    "",
    `  TOKEN=$(curl -s ${client} "${read("token_endpoint")}" \\`,
    `    -d grant_type=client_credentials -d scope=tokens:introspect -d expiration_time=900 | node -p 'JSON.parse(require("fs").readFileSync(0)).access_token')`,
    "",
    "And the proof (exp - iat is 900):",
    "",
    `  curl -s ${client} "${read("introspection_endpoint")}" -d token="$TOKEN"`,
    "",
    `Or with the command line: npx mayfly login${place}, then npx mayfly token issue --expires-in 15m`,
    `What the API can do: ${config.publicUrl}/docs`,
    "",
  ].join("\n");
}
