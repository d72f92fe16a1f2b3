import type { CliError } from "./cli-error.ts";
import { type Answer, type Sent, send } from "./http.ts";
import { listOf, textOf } from "./json.ts";
import type { Profile } from "./profile.ts";
import { RefusedRequest, requestCommandToken, USE_ANOTHER, unexpected } from "./token-client.ts";
import { issuedAt } from "./token-place.ts";

/** A call of the management API. */
export interface Call extends Pick<Sent, "method" | "body"> {
  /** from `/v1/` on */
  readonly path: string;
  /** what the route needs */
  readonly scopes: readonly string[];
}

/** The management API with a token of its own for each command. */
export interface ManagementClient {
  /**
   * Calls a route and returns what it answered with success.
   *
   * @throws CliError for everything else
   */
  call(call: Call): Promise<unknown>;
  /** The tenant's time at the last call's token, in seconds; undefined where the token does not say it. */
  tenantNow(): number | undefined;
}

/** Opens the management API for one command: its token is asked for at the first call. */
export function createManagementClient(profile: Profile): ManagementClient {
  const tokens = new Map<string, Promise<string>>();
  let now: number | undefined;
  return {
    tenantNow: () => now,
    call: async ({ path, scopes, ...sent }) => {
      const name = scopes.join(" ");
      const token = tokens.get(name) ?? requestCommandToken(profile, scopes);
      tokens.set(name, token);
      now = issuedAt(await token);
      const headers = { authorization: `Bearer ${await token}`, "content-type": "application/json" };
      const answer = await send({ ...sent, url: `${profile.origin}${path}`, headers });
      if (answer.status >= 200 && answer.status < 300) return answer.json;
      throw refusedCall(answer, path);
    },
  };
}

/** What is wrong with a field, as the server says it. */
export interface Violation {
  readonly field: string;
  readonly description: string;
}

/** A call that the server refused. */
export class RefusedCall extends RefusedRequest {
  readonly violations: readonly Violation[];

  constructor(
    message: string,
    options: { readonly status: number; readonly violations: readonly Violation[]; advice?: string | undefined },
  ) {
    super(message, options);
    this.violations = options.violations;
  }
}

function refusedCall(answer: Answer, path: string): CliError {
  const { status, json } = answer;
  const code = textOf(json, "code");
  if (code === undefined) return unexpected(answer, path);
  const details = listOf(json, "details");
  const violations = details
    .flatMap((detail) => listOf(detail, "field_violations"))
    .map((one) => {
      return { field: textOf(one, "field") ?? "", description: textOf(one, "description") ?? "" };
    });
  const said = violations.map(({ field, description }) => `${field}: ${description}`);
  const message = [`${code}: ${textOf(json, "message") ?? ""}`, ...said].join("\n");
  return new RefusedCall(message, { status, violations, advice: adviseOn(status, details, path) });
}

function adviseOn(status: number, details: readonly unknown[], path: string): string | undefined {
  if (status === 401) return "The token was not accepted: log in again with mayfly login.";
  if (status === 404) return `Nothing is at ${path}: check --realm and --application.`;
  if (status !== 403) return undefined;
  const missing = details.find((detail) => textOf(detail, "resource_type") === "Scope");
  if (missing !== undefined) return adviseOnLack(textOf(missing, "id") ?? "", textOf(missing, "description") ?? "");
  return "The profile's application reaches neither this tenant nor this realm (its target_realm); use --profile to choose another.";
}

// Rule 1 refuses what concerns somebody who may do more, and then says so: no scope is missing for the call itself.
function adviseOnLack(scopes: string, description: string): string {
  const isOfCall = !description.startsWith("this concerns");
  if (isOfCall) return `The profile's application lacks the scope ${scopes}.`;
  return `${description.replace(/^t/, "T")}${scopes === "" ? "" : `: ${scopes}`}. ${USE_ANOTHER}`;
}
