import type { Command } from "commander";
import { type CommonOptions, outputOption, profileOf, realmPathOf, show } from "../command.ts";
import { describeDuration, describeInstant } from "../duration.ts";
import { send } from "../http.ts";
import { listOf, numberOf, objectOf, textOf } from "../json.ts";
import { describeLedger } from "../ledger.ts";
import { findBearer, introspect, readToken, traceOf } from "../presented-token.ts";
import type { Profile } from "../profile.ts";
import { formatPairs } from "../table.ts";
import { issuedAt, issuedBy, readClaims } from "../token-place.ts";
import type { World } from "../world.ts";

interface InspectOptions extends CommonOptions {
  readonly realm?: string;
}

/** `mayfly token inspect` */
export function addTokenInspect(parent: Command, world: World): void {
  parent
    .command("inspect")
    .summary("say whether a token is live, and who decided its lifetime")
    .description(
      "Reads a token from standard input, or asks for it, and says what it is at this moment.\n\nA JWT says where it is from. An opaque token does not: one of another realm than the profile's needs --realm, and one of another application a profile that holds tokens:introspect.",
    )
    .argument("[token]", "- for standard input; a token itself is not taken here")
    .option("--realm <id>", "realm of the token, where it is opaque and not of the profile's")
    .addOption(outputOption())
    .action((argument: string | undefined, _: unknown, command: Command) =>
      inspect(world, argument, command.optsWithGlobals<InspectOptions>()),
    );
}

async function inspect(world: World, argument: string | undefined, options: InspectOptions): Promise<void> {
  const profile = await profileOf(world, options);
  const token = await readToken(world, argument);
  const { realm = issuedBy(profile, readClaims(token))?.realm ?? profile.key.realmId } = options;
  realmPathOf(profile, { realm });
  const { claims } = await introspect(profile, realm, token);
  const bearer = claims.active === true ? await findBearer(profile, "events:read") : undefined;
  const asked = { bearer, tokenId: textOf(claims, "jti") };
  const ledger = await findLedger(profile, realm, asked);
  const [start, exp] = [startOf(claims), numberOf(claims, "exp")];
  const value = {
    ...claims,
    ...(start === undefined || exp === undefined ? {} : { lifetime_seconds: exp - start.at }),
    ...(ledger === undefined ? {} : { ledger }),
  };
  show(world, options, { value, text: describe(value, issuedAt(bearer ?? "") ?? world.clock.nowSeconds()) });
}

/** From when a token's lifetime counts: from its issue, or from when it is valid where that is later. */
function startOf(
  claims: Readonly<Record<string, unknown>>,
): { readonly at: number; readonly claim: string } | undefined {
  const [iat, nbf] = [numberOf(claims, "iat"), numberOf(claims, "nbf")];
  if (iat === undefined) return undefined;
  return nbf !== undefined && nbf > iat ? { at: nbf, claim: "nbf" } : { at: iat, claim: "iat" };
}

/** The lifetime's ledger from the decision that issued the token, where the profile may read it. */
async function findLedger(
  profile: Profile,
  realm: string,
  { bearer, tokenId }: { readonly bearer: string | undefined; readonly tokenId: string | undefined },
): Promise<unknown> {
  const trace = traceOf(tokenId);
  if (bearer === undefined || trace === undefined) return undefined;
  const url = `${profile.origin}${realmPathOf(profile, { realm })}/decisions/${trace}`;
  const answer = await send({ method: "GET", url, headers: { authorization: `Bearer ${bearer}` } });
  const decision = listOf(answer.json, "decisions").find((one) => textOf(one, "token_id") === tokenId);
  return objectOf(objectOf(objectOf(decision).facts).lifetime).ledger;
}

function describe(claims: Readonly<Record<string, unknown>>, now: number): string {
  if (claims.active !== true) {
    return formatPairs([
      ["active", "no"],
      ["", "expired, revoked, used up, not valid yet, not of this realm, or not for this profile to see"],
    ]);
  }
  const [iat, exp] = [numberOf(claims, "iat") ?? 0, numberOf(claims, "exp") ?? 0];
  const { at: start, claim } = startOf(claims) ?? { at: iat, claim: "iat" };
  const texts = ["scope", "client_id", "sub", "iss", "jti"].flatMap((name): [string, string][] => {
    const value = textOf(claims, name);
    return value === undefined ? [] : [[name, value]];
  });
  const audience = Array.isArray(claims.aud) ? claims.aud.join(" ") : claims.aud;
  return formatPairs([
    ["active", "yes"],
    ["issued", describeInstant(iat, now)],
    ["expires", describeInstant(exp, now)],
    ["lifetime", `${describeDuration(exp - start)} (exp - ${claim} is ${exp - start})`],
    ...describeBounds(claims, { iat, now }),
    ...texts,
    ...(typeof audience === "string" ? [["aud", audience] as const] : []),
    ...describeLedger(claims.ledger),
  ]);
}

/** What bounds a token besides its end, where something does. */
function describeBounds(
  claims: Readonly<Record<string, unknown>>,
  { iat, now }: { readonly iat: number; readonly now: number },
): readonly (readonly [string, string])[] {
  const [nbf, issuedFor] = [numberOf(claims, "nbf") ?? iat, numberOf(claims, "issued_lifetime")];
  const usesLeft = numberOf(claims, "uses_left");
  return [
    ...(nbf === iat ? [] : [["valid from", describeInstant(nbf, now)] as const]),
    ...(issuedFor === undefined
      ? []
      : [["issued for", `${describeDuration(issuedFor)}, and shortened since`] as const]),
    ...(usesLeft === undefined ? [] : [["uses left", String(usesLeft)] as const]),
  ];
}
