import { realmPath } from "../protocol/client-metadata.ts";
import { looksLikeRefreshToken } from "../protocol/opaque-token.ts";
import { decodeId } from "../protocol/token-id.ts";
import { CliError } from "./cli-error.ts";
import { applicationPathOf, type PlaceOptions } from "./command.ts";
import { INPUT } from "./given-text.ts";
import { sendForm } from "./http.ts";
import { objectOf, parseJson, textOf } from "./json.ts";
import type { Profile } from "./profile.ts";
import { basicOf, RefusedScope, refusedToken, requestCommandToken } from "./token-client.ts";
import { issuedBy, readClaims, type TokenPlace } from "./token-place.ts";
import { askWithPower } from "./with-power.ts";
import type { World } from "./world.ts";

/** A JWT, or one of our opaque tokens. */
const LOOKS_LIKE_TOKEN = /^mayfly_|^[\w-]+\.[\w-]+\.[\w-]*$/;

/**
 * Reads the token that a command is about: from standard input, or typed unseen.
 *
 * @param argument what stands on the command line; only `-`, or nothing, is taken
 */
export async function readToken(world: World, argument: string | undefined): Promise<string> {
  if (argument !== undefined && argument !== INPUT) throw tokenInArgument();
  const text = world.canAsk ? await world.askSecret("Token: ") : await world.readInput();
  const token = text.trim();
  // `mayfly token issue` prints JSON into a pipe.
  const issued = token.startsWith("{") ? textOf(parseJson(token), "access_token") : token;
  if (issued === undefined || issued === "" || /\s/.test(issued)) throw new CliError("standard input holds no token");
  return issued;
}

function tokenInArgument(): CliError {
  return new CliError(
    "a token is not taken from an argument: it would stay in the shell's history, and others on this machine see it",
    { advice: 'Pipe it in: echo "$TOKEN" | mayfly token …' },
  );
}

/** What a profile sees of a token. */
export interface SeenToken {
  readonly claims: Readonly<Record<string, unknown>>;
  /** false where the profile may not see it, whatever it is */
  readonly isTold: boolean;
}

/**
 * Asks what a token is (RFC 7662): as its own client, and if that may not see it, as an administrator where the profile is one.
 *
 * @throws CliError
 */
export async function introspect(profile: Profile, realmId: string, token: string): Promise<SeenToken> {
  const url = `${profile.origin}${realmPath({ tenantId: profile.key.tenantId, realmId })}/introspect`;
  const hint = looksLikeRefreshToken(token) ? { token_type_hint: "refresh_token" } : {};
  const ask = async (authorization: string): Promise<Readonly<Record<string, unknown>>> => {
    const answer = await sendForm(url, { token, ...hint }, { authorization });
    if (answer.status === 404) throw new CliError(`there is no realm ${realmId} in the profile's tenant`);
    if (answer.status !== 200) throw refusedToken(profile, answer);
    return objectOf(answer.json);
  };
  if (realmId === profile.key.realmId) {
    const claims = await ask(basicOf(profile));
    const isOwn = issuedBy(profile, readClaims(token))?.application === profile.key.applicationId;
    if (claims.active === true || isOwn) return { claims, isTold: true };
  }
  const bearer = await findBearer(profile, "tokens:introspect");
  if (bearer === undefined) return { claims: { active: false }, isTold: false };
  return { claims: await ask(`Bearer ${bearer}`), isTold: true };
}

/** A management token of one scope, or undefined where the profile's application may not have it. */
export async function findBearer(profile: Profile, scope: string): Promise<string | undefined> {
  try {
    return await requestCommandToken(profile, [scope]);
  } catch (error) {
    if (error instanceof RefusedScope) return undefined;
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

/** The id that an argument is; undefined where the token comes from standard input. Throws CliError for anything else. */
export function readTokenId(argument: string | undefined): string | undefined {
  if (argument === undefined || argument === INPUT) return undefined;
  if (isTokenId(argument)) return argument;
  if (LOOKS_LIKE_TOKEN.test(argument)) throw tokenInArgument();
  throw new CliError("this is no token's id", { advice: "See them: mayfly token list" });
}

/** What came of a request about a token. */
export interface HolderAnswer {
  readonly json: unknown;
  /** whether the profile may end every token of the place: then one that lives there is meant by the answer */
  readonly hasPower: boolean;
}

/**
 * Sends a form about a token to a route where whoever holds it may end or shorten it: as its client, where it is the profile's own, else
 * as a bearer of tokens:delete where the profile has that, with as much power as it takes.
 *
 * @throws CliError
 */
export async function sendAsHolder(
  profile: Profile,
  { realm, application }: Pick<TokenPlace, "realm" | "application">,
  ask: { readonly route: string; readonly form: Readonly<Record<string, string>> },
): Promise<HolderAnswer> {
  const sendAs = async (authorization: string, place: PlaceOptions): Promise<unknown> => {
    const url = `${profile.origin}${applicationPathOf(profile, place)}/${ask.route}`;
    const answer = await sendForm(url, ask.form, { authorization });
    if (answer.status === 404) throw new CliError(`there is no application ${application} in the realm ${realm}`);
    if (answer.status !== 200) throw refusedToken(profile, answer);
    return answer.json;
  };
  const isOwn = realm === profile.key.realmId && application === profile.key.applicationId;
  if (isOwn) return { json: await sendAs(basicOf(profile), {}), hasPower: true };
  try {
    const json = await askWithPower("tokens:delete", async (scopes) =>
      sendAs(`Bearer ${await requestCommandToken(profile, scopes)}`, { realm, application }),
    );
    return { json, hasPower: true };
  } catch (error) {
    if (!(error instanceof RefusedScope)) throw error;
    return { json: await sendAs(basicOf(profile), {}), hasPower: false };
  }
}
