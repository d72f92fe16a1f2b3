import { applicationPathOf, type PlaceOptions } from "./command.ts";
import { numberOf, objectOf, parseJson, textOf } from "./json.ts";
import type { Profile } from "./profile.ts";

// Where a presented token is to be asked about: an opaque one does not say it, and a JWT says it unproven.

/** The realm and the application of a token. */
export interface TokenPlace {
  readonly realm: string;
  readonly application: string;
  /** by a server's or its own word, and no guess: then a token that is not active here is active nowhere */
  readonly isKnown: boolean;
}

const AZP = /^tenants\/([0-9a-f]{16})\/realms\/([0-9a-f]{16})\/applications\/([0-9a-f-]{36})$/;

/** What a token says of itself, unproven: only to know where to ask. Empty for one that is opaque. */
export function readClaims(token: string): Readonly<Record<string, unknown>> {
  const payload = token.split(".")[1];
  return payload === undefined ? {} : objectOf(parseJson(Buffer.from(payload, "base64url").toString("utf8")));
}

/** When a token was issued by the clock of its tenant, which is not always this machine's; undefined for one that is opaque. */
export function issuedAt(token: string): number | undefined {
  return numberOf(readClaims(token), "iat");
}

/** The realm and the application that issued a token, by its claims; undefined where they name none of the profile's tenant. */
export function issuedBy(
  { key }: Profile,
  claims: Readonly<Record<string, unknown>>,
): Pick<TokenPlace, "realm" | "application"> | undefined {
  const [, tenant, realm, application] = AZP.exec(textOf(claims, "azp") ?? "") ?? [];
  if (tenant !== key.tenantId || realm === undefined || application === undefined) return undefined;
  return { realm, application };
}

/**
 * Where a token is: as it is named, else by the token's own word, else where the profile is.
 *
 * @throws CliError where a realm is named and nothing says which application of it
 */
export function placeOf(profile: Profile, token: string, named: PlaceOptions): TokenPlace {
  const claims = readClaims(token);
  const issued = issuedBy(profile, claims);
  const realm = named.realm ?? issued?.realm ?? profile.key.realmId;
  const asked = named.application ?? (issued?.realm === realm ? issued.application : undefined);
  applicationPathOf(profile, { realm, application: asked });
  const application = asked ?? profile.key.applicationId;
  const isOfThisServer = URL.parse(textOf(claims, "iss") ?? "")?.origin === profile.origin;
  return {
    realm,
    application,
    isKnown: isOfThisServer && issued?.realm === realm && issued.application === application,
  };
}

/** The same place, or the one that the claims of an introspected token name. */
export function correctPlace(
  profile: Profile,
  place: TokenPlace,
  claims: Readonly<Record<string, unknown>>,
): TokenPlace {
  const issued = claims.active === true ? issuedBy(profile, claims) : undefined;
  return issued === undefined ? place : { ...issued, isKnown: true };
}

/** The place that options name, else the profile's own. */
export function placeNamed(
  { key }: Profile,
  { realm, application }: PlaceOptions,
): Pick<TokenPlace, "realm" | "application"> {
  return { realm: realm ?? key.realmId, application: application ?? key.applicationId };
}

/** For the help of commands that take a token. */
export const WHICH_PLACE =
  "A JWT says where it is from. An opaque token does not: one of another realm or application than the profile's needs --realm and --application.";

/** What to say where a token may be elsewhere. */
export const SAY_WHERE =
  "Name where it is from (--realm ID --application ID), with a profile that holds tokens:delete, tokens:introspect and tokens:read there (--profile), or use that of the token's application.";

/** A place in words. */
export function describePlace({ realm, application }: Pick<TokenPlace, "realm" | "application">): string {
  return `the application ${application} of the realm ${realm}`;
}
