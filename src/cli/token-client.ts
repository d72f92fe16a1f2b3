import { CliError } from "./cli-error.ts";
import { formatDuration } from "./duration.ts";
import { type Answer, sendForm } from "./http.ts";
import { numberOf, objectOf, textOf } from "./json.ts";
import { issuerOf, type Profile } from "./profile.ts";

/** A command's own token is asked for this long: no command takes longer, and no token is kept. */
const COMMAND_TOKEN_SECONDS = 60;
const BELOW_MINIMUM = /below the minimum of (\d+) seconds/;

/** Asks the token endpoint for a token of the profile's application (RFC 6749 section 4.4). */
export function requestToken(profile: Profile, form: Readonly<Record<string, string>>): Promise<Answer> {
  const grant = { grant_type: "client_credentials", ...form };
  return sendForm(`${issuerOf(profile)}/token`, grant, { authorization: basicOf(profile) });
}

/** The time of the profile's tenant, in seconds, by a preview, which issues nothing; undefined where the server does not say it. */
export async function askTenantNow(profile: Profile): Promise<number | undefined> {
  const form = { grant_type: "client_credentials" };
  const answer = await sendForm(`${issuerOf(profile)}/tokens:preview`, form, { authorization: basicOf(profile) });
  return numberOf(objectOf(answer.json).claims, "iat");
}

/**
 * A token for one command, of these scopes, that lives for a minute, or for as long as the realm's minimum demands.
 *
 * @throws CliError
 */
export async function requestCommandToken(profile: Profile, scopes: readonly string[]): Promise<string> {
  const form = { scope: scopes.join(" "), token_name: "mayfly command line" };
  let answer = await requestToken(profile, { ...form, expiration_time: String(COMMAND_TOKEN_SECONDS) });
  const minimum = BELOW_MINIMUM.exec(textOf(answer.json, "error_description") ?? "")?.[1];
  if (minimum !== undefined) answer = await requestToken(profile, { ...form, expiration_time: minimum });
  const token = textOf(answer.json, "access_token");
  if (token !== undefined) return token;
  if (textOf(answer.json, "error") === "invalid_scope") throw new RefusedScope(profile, scopes);
  throw refusedToken(profile, answer);
}

/** An application may hold none of the scopes that a command needs. */
export class RefusedScope extends CliError {
  constructor({ key }: Profile, scopes: readonly string[]) {
    const [only] = scopes;
    const needed = scopes.length === 1 && only !== undefined ? `the scope ${only}` : "the management scopes";
    const advice = adviseOnScope(key.applicationId);
    super(`invalid_scope: this needs ${needed}, which the profile's application may not hold`, { advice });
  }
}

/** A request that the server refused. */
export class RefusedRequest extends CliError {
  readonly status: number;

  constructor(message: string, options: { readonly status: number; readonly advice?: string | undefined }) {
    super(message, { advice: options.advice });
    this.status = options.status;
  }
}

/** What a refusal of an OAuth endpoint means, and what to do about it. */
export function refusedToken(profile: Profile, answer: Answer): CliError {
  const code = textOf(answer.json, "error");
  if (code === undefined) return unexpected(answer, issuerOf(profile));
  const description = textOf(answer.json, "error_description") ?? "no reason given";
  const trace = answer.headers.get("x-trace-id");
  const message = `${code}: ${description}${trace === null ? "" : ` (trace ${trace})`}`;
  return new RefusedRequest(message, { status: answer.status, advice: adviseOnToken(profile, code, description) });
}

/** What to do about a token that is refused. */
export function adviseOnToken(profile: Profile, code: string, description: string): string | undefined {
  const { applicationId } = profile.key;
  const [, maximum, setter] = /above the maximum of (\d+) seconds, set by (.+)$/.exec(description) ?? [];
  if (maximum !== undefined) {
    const most = formatDuration(Number(maximum));
    return `Ask for ${most} at most: --expires-in ${most}. Or have the ceiling raised: that of ${setter}.`;
  }
  const [, minimum] = BELOW_MINIMUM.exec(description) ?? [];
  if (minimum !== undefined) return `Ask for more: --expires-in ${formatDuration(Number(minimum))}.`;
  if (code === "invalid_client") {
    return `The credentials of ${profile.source} are not those of the application ${applicationId} (any more). Log in again: mayfly login`;
  }
  if (code === "invalid_scope") return adviseOnScope(applicationId);
  if (code === "insufficient_scope") return `${USE_ANOTHER} Or use that of the token's application.`;
  if (code === "unauthorized_client") return `Give the application ${applicationId} the grant type client_credentials.`;
  return undefined;
}

/** What to do where a profile may not do what somebody may who would be touched (rule 1). */
export const USE_ANOTHER = "Use a profile that may do as much, and in as many realms (--profile).";

function adviseOnScope(applicationId: string): string {
  return `The application ${applicationId} may not hold this. Use a profile of one that may (--profile), or add the scope to its allowed_scopes and to its resource server.`;
}

/** The Authorization header of the profile's application. */
export function basicOf({ clientId, clientSecret }: Profile): string {
  return `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`;
}

/** An answer that no version of the server gives. */
export function unexpected({ status, headers }: Answer, url: string): CliError {
  const trace = headers.get("x-trace-id");
  return new CliError(`${url} answered ${status}${trace === null ? ", and not as Mayfly does" : ` (trace ${trace})`}`, {
    advice:
      trace === null ? "Is this the address of a Mayfly server?" : "The server's log says more under that trace id.",
  });
}
