/** Whose passkeys an authenticator makes and uses (WebAuthn Level 3 §4 "Relying Party Identifier", reference 3.5). */
export interface RelyingParty {
  /** a host name: passkeys made for one are useless for every other */
  readonly id: string;
  /** where its ceremonies may run; each is of the id or below it */
  readonly origins: readonly string[];
}

/** What of an authenticator config says whose passkeys it uses. */
export interface AuthenticatorPlace {
  readonly type: string;
  readonly invoke_url?: string | undefined;
  readonly trusted_origins?: readonly string[] | undefined;
}

/**
 * The relying party of an authenticator config: of our own pages the host of the public URL, of an application's pages the host of its
 * invoke URL, or where that is no web address of its first trusted origin. The origins that it trusts outside that host cannot use its
 * passkeys.
 *
 * @returns undefined where there is no host that passkeys can belong to: an IP address, or an application without any web origin
 */
export function relyingPartyOf(place: AuthenticatorPlace, publicUrl: string): RelyingParty | undefined {
  if (place.type !== "embedded") return relyingPartyAt([publicUrl]);
  const trusted = place.trusted_origins ?? [];
  return relyingPartyAt(isWeb(place.invoke_url) ? [place.invoke_url, ...trusted] : trusted);
}

function relyingPartyAt([first, ...others]: readonly string[]): RelyingParty | undefined {
  const id = first === undefined ? undefined : hostOf(first);
  if (first === undefined || id === undefined) return undefined;
  const within = [first, ...others].filter((url) => isOfHost(hostOf(url), id)).map((url) => new URL(url).origin);
  return { id, origins: [...new Set(within)] };
}

function isWeb(url: string | undefined): url is string {
  return url !== undefined && /^https?:/i.test(url);
}

/** WebAuthn takes domain names alone. */
function hostOf(url: string): string | undefined {
  const host = URL.parse(url)?.hostname;
  return host === undefined || host === "" || /^[0-9.]+$|^\[/.test(host) ? undefined : host;
}

function isOfHost(host: string | undefined, id: string): boolean {
  return host === id || host?.endsWith(`.${id}`) === true;
}
