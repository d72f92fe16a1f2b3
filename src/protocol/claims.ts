// The registry of claims about a person: one row per claim (OIDC Core §5.1, §5.4; rule 32). Discovery, ID token, userinfo and the
// consent page read it; to add a claim, add a row.

/** What claims are made from. */
export interface Person {
  readonly displayName: string;
  /** traits_v0 under their wire names; unset ones are absent or null */
  readonly traits: Readonly<Record<string, unknown>>;
  readonly emailVerified: boolean;
  readonly phoneVerified: boolean;
  /** epoch seconds */
  readonly updatedAt: number;
}

export type ClaimScope = "profile" | "email" | "phone" | "address";
export type ClaimValue = string | number | boolean | Readonly<Record<string, string>>;
export type ClaimSet = Readonly<Record<string, ClaimValue>>;

/** Where claims go. */
export type ClaimTarget = "id_token" | "userinfo";

interface ClaimRow {
  readonly scope: ClaimScope;
  readonly claim: string;
  readonly from: (person: Person) => ClaimValue | undefined;
  /** an alias for old clients, in userinfo only and not advertised */
  readonly alias?: true;
}

const REGISTRY: readonly ClaimRow[] = [
  { scope: "profile", claim: "name", from: nameOf },
  { scope: "profile", claim: "family_name", from: trait("family_name") },
  { scope: "profile", claim: "given_name", from: trait("given_name") },
  { scope: "profile", claim: "middle_name", from: trait("middle_name") },
  { scope: "profile", claim: "nickname", from: trait("nick_name") },
  { scope: "profile", claim: "preferred_username", from: trait("username") },
  { scope: "profile", claim: "profile", from: trait("profile_url") },
  { scope: "profile", claim: "picture", from: trait("photo") },
  { scope: "profile", claim: "zoneinfo", from: trait("timezone") },
  { scope: "profile", claim: "locale", from: trait("locale", "preferred_language") },
  { scope: "profile", claim: "updated_at", from: ({ updatedAt }) => Math.floor(updatedAt) },
  { scope: "profile", claim: "display_name", from: nameOf, alias: true }, // reference 6 #20
  { scope: "email", claim: "email", from: emailOf },
  { scope: "email", claim: "email_verified", from: (person) => emailOf(person) && person.emailVerified },
  { scope: "phone", claim: "phone_number", from: phoneOf },
  { scope: "phone", claim: "phone_number_verified", from: (person) => phoneOf(person) && person.phoneVerified },
  { scope: "address", claim: "address", from: addressOf },
];

const ADDRESS_MEMBERS: Readonly<Record<string, string>> = {
  formatted: "formatted_address",
  street_address: "street_address",
  locality: "locality",
  region: "region",
  postal_code: "postal_code",
  country: "country",
};

/** The names of all claims about a person, for `claims_supported`. */
export const CLAIM_NAMES: readonly string[] = REGISTRY.filter((row) => row.alias === undefined).map((row) => row.claim);

/** The scope that gives a claim; undefined for a name that is none about a person. */
export function scopeOfClaim(name: string): ClaimScope | undefined {
  return REGISTRY.find(({ claim, alias }) => claim === name && alias === undefined)?.scope;
}

/**
 * The claims about a person that a grant calls for: those of its scopes and those asked for by name (`claims`, OIDC Core §5.5).
 * Unset and blank traits are omitted, an empty address too (rule 32).
 */
export function selectClaims(
  person: Person,
  wanted: { readonly scope: readonly string[]; readonly names?: readonly string[] | undefined },
  target: ClaimTarget,
): ClaimSet {
  const claims: Record<string, ClaimValue> = {};
  for (const row of REGISTRY) {
    const isWanted = wanted.scope.includes(row.scope) || wanted.names?.includes(row.claim);
    if (!isWanted || (row.alias && target !== "userinfo")) continue;
    const value = row.from(person);
    if (value !== undefined) claims[row.claim] = value;
  }
  return claims;
}

/**
 * The answer of userinfo (OIDC Core §5.3.2).
 * @param subject the `sub` of the ID token, which must be the same
 * @param wanted the live scope of the access token, and the names that `claims` asked for
 */
export function userinfoClaims(
  subject: string,
  person: Person,
  wanted: { readonly scope: readonly string[]; readonly names?: readonly string[] | undefined },
): ClaimSet {
  return { ...selectClaims(person, wanted, "userinfo"), sub: subject };
}

function traitOf(person: Person, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = person.traits[name];
    if (typeof value === "string" && value.trim() !== "") return value;
  }
  return undefined;
}

function trait(...names: readonly string[]): (person: Person) => string | undefined {
  return (person) => traitOf(person, names);
}

function nameOf(person: Person): string | undefined {
  return traitOf(person, ["formatted_name"]) ?? (person.displayName.trim() === "" ? undefined : person.displayName);
}

function emailOf(person: Person): string | undefined {
  return traitOf(person, ["primary_email_address"]);
}

function phoneOf(person: Person): string | undefined {
  return traitOf(person, ["primary_phone"]);
}

function addressOf(person: Person): Readonly<Record<string, string>> | undefined {
  const members = Object.entries(ADDRESS_MEMBERS).flatMap(([member, name]) => {
    const value = traitOf(person, [name]);
    return value === undefined ? [] : [[member, value] as const];
  });
  return members.length === 0 ? undefined : Object.fromEntries(members);
}
