import { realmPath } from "../protocol/client-metadata.ts";
import { looksLikeRefreshToken } from "../protocol/opaque-token.ts";
import { decodeId } from "../protocol/token-id.ts";
import { CliError } from "./cli-error.ts";
import { applicationPathOf, type PlaceOptions } from "./command.ts";
import { type Answer, sendForm } from "./http.ts";
import { objectOf, parseJson, textOf } from "./json.ts";
import type { Profile } from "./profile.ts";
import { basicOf, refusedToken, requestCommandToken, unexpected } from "./token-client.ts";
import type { World } from "./world.ts";

/**
 * Reads the token that a command is about: from standard input, or typed unseen.
 *
 * @param argument what stands on the command line; only `-`, or nothing, is taken
 */
export async function readToken(world: World, argument: string | undefined): Promise<string> {
  if (argument !== undefined && argument !== "-") {
    throw new CliError(
      "a token is not taken from an argument: it would stay in the shell's history, and others on this machine see it",
      {
        advice: 'Pipe it in: echo "$TOKEN" | mayfly token …',
      },
    );
  }
  const text = world.canAsk ? await world.askSecret("Token: ") : await world.readInput();
  const token = text.trim();
  // `mayfly token issue` prints JSON into a pipe.
  const issued = token.startsWith("{") ? textOf(parseJson(token), "access_token") : token;
  if (issued === undefined || issued === "" || /\s/.test(issued)) throw new CliError("standard input holds no token");
  return issued;
}

/** What a token says of itself, unproven: only to know where to ask. */
function readClaims(token: string): Readonly<Record<string, unknown>> {
  const payload = token.split(".")[1];
  return payload === undefined ? {} : objectOf(parseJson(Buffer.from(payload, "base64url").toString("utf8")));
}

/** The realm and the application that issued a token, by its own word; the profile's realm for one that says nothing. */
export function issuedBy(profile: Profile, token: string): { readonly realm: string; readonly application?: string } {
  const azp = textOf(readClaims(token), "azp") ?? "";
  const [, realm, application] =
    /^tenants\/[^/]+\/realms\/([0-9a-f]{16})\/applications\/([0-9a-f-]{36})$/.exec(azp) ?? [];
  if (realm === undefined || application === undefined) return { realm: profile.key.realmId };
  return { realm, application };
}

/** The realm and the application of a token. */
export interface TokenPlace {
  readonly realm: string;
  readonly application: string;
}

/** Where a token is: as it is named, else by the token's own word, else where the profile is. */
export function placeOf(profile: Profile, token: string, named: PlaceOptions): TokenPlace {
  const issued = issuedBy(profile, token);
  const { realm = issued.realm, application = issued.application ?? profile.key.applicationId } = named;
  return { realm, application };
}

/** What a profile sees of a token. */
export interface SeenToken {
  readonly claims: Readonly<Record<string, unknown>>;
  /** false where the token may be live all the same: it may be another application's, which this profile may not see */
  readonly isCertain: boolean;
}

/** Asks what a token is (RFC 7662): as its own client, and if that may not see it, as an administrator where the profile is one. */
export async function introspect(profile: Profile, realmId: string, token: string): Promise<SeenToken> {
  const url = `${profile.origin}${realmPath({ tenantId: profile.key.tenantId, realmId })}/introspect`;
  const hint = looksLikeRefreshToken(token) ? { token_type_hint: "refresh_token" } : {};
  const ask = (authorization: string) => sendForm(url, { token, ...hint }, { authorization });
  if (realmId === profile.key.realmId) {
    const claims = objectOf((await ask(basicOf(profile))).json);
    const isOwn = issuedBy(profile, token).application === profile.key.applicationId;
    if (claims.active === true || isOwn) return { claims, isCertain: true };
  }
  const bearer = await findBearer(profile, "tokens:introspect");
  if (bearer === undefined) return { claims: { active: false }, isCertain: false };
  const answer = await ask(`Bearer ${bearer}`);
  if (answer.status !== 200) throw unexpected(answer, url);
  return { claims: objectOf(answer.json), isCertain: true };
}

/** A management token of one scope, or undefined where the profile's application may not have it. */
export async function findBearer(profile: Profile, scope: string): Promise<string | undefined> {
  try {
    return await requestCommandToken(profile, [scope]);
  } catch (error) {
    if (error instanceof CliError && error.message.startsWith("invalid_scope")) return undefined;
    throw error;
  }
}

/** The trace id of the request that issued a token, in hexadecimal; undefined for what is no id. */
export function traceOf(tokenId: string | undefined): string | undefined {
  const parts = tokenId === undefined ? undefined : decodeId(tokenId);
  return parts && Buffer.from(parts.traceId).toString("hex");
}

/** Whether an argument is the id of a token, as lists show it. */
export function isTokenId(argument: string | undefined): argument is string {
  return argument !== undefined && decodeId(argument) !== undefined;
}

/**
 * Sends a form about a token to a route where whoever holds it may end or shorten it: as its client, where it is the profile's own, else
 * as a bearer of tokens:delete where the profile has that.
 */
export async function sendAsHolder(
  profile: Profile,
  ask: TokenPlace & { readonly route: string; readonly form: Readonly<Record<string, string>> },
): Promise<Answer> {
  const { realm, application, route, form } = ask;
  const isOwn = realm === profile.key.realmId && application === profile.key.applicationId;
  const bearer = isOwn ? undefined : await findBearer(profile, "tokens:delete");
  const url = `${profile.origin}${applicationPathOf(profile, bearer === undefined ? {} : { realm, application })}/${route}`;
  const authorization = bearer === undefined ? basicOf(profile) : `Bearer ${bearer}`;
  const answer = await sendForm(url, form, { authorization });
  if (answer.status !== 200) throw answer.status === 400 ? refusedToken(profile, answer) : unexpected(answer, url);
  return answer;
}
