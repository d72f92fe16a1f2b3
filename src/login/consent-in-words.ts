import { durationInWords } from "../http/duration-in-words.ts";
import type { Html } from "../http/html.ts";
import type { Texts } from "../http/texts/index.ts";
import { scopeOfClaim } from "../protocol/claims.ts";
import type { ConsentTerms } from "../protocol/consent.ts";
import { isOpenidScope } from "../protocol/scope.ts";

/** What is told of a person by a consent, in words: by scopes, and by claims that none of these scopes gives. */
export function personalInWords(
  texts: Texts,
  { scope, claims }: Pick<ConsentTerms, "scope" | "claims">,
): readonly string[] {
  const gives: Readonly<Record<string, string>> = texts.consent.gives;
  const named: Readonly<Record<string, string>> = texts.consent.claims;
  const byScope = scope.filter(isOpenidScope).flatMap((one) => gives[one] ?? []);
  const byName = claims.filter((claim) => !scope.includes(scopeOfClaim(claim) ?? ""));
  return [...new Set([...byScope, ...byName.map((claim) => named[claim] ?? claim)])];
}

/** For how long an application can renew its access by a consent, in words. */
export function renewalInWords(
  texts: Texts,
  application: string,
  { scope, renewalSeconds }: Pick<ConsentTerms, "scope" | "renewalSeconds">,
): Html {
  const { none, whileAway, whileSignedIn } = texts.consent.renewal;
  if (renewalSeconds === 0) return none(application);
  const say = scope.includes("offline_access") ? whileAway : whileSignedIn;
  return say(application, durationInWords(renewalSeconds, texts.language));
}
