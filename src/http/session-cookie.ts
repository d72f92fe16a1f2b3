import { formatCookie, isSecure, readCookies } from "./cookies.ts";
import type { HttpRequest } from "./route.ts";

// Rule 20: one a realm, at most eight in a browser. The name of the session in the value tells where its row is and how old it is; the
// secret behind it is the credential, and no token ever shows it.

const SESSIONS_MAX = 8;
const SESSION_COOKIE = /^(?:__Host-)?mayfly-[0-9a-f]{16}$/;
const VALUE = /^([A-Za-z0-9_-]{32})\.([A-Za-z0-9_-]{43})$/;

/** Where a session's cookie belongs. */
export interface SessionCookiePlace {
  /** the configured one: what decides between https and loopback http */
  readonly publicUrl: string;
  readonly realmId: string;
}

/** What a browser shows of its session in a realm. */
export interface SessionCookie {
  readonly sessionId: string;
  readonly secret: Uint8Array;
}

/** The session that this browser shows for a realm, if it does. */
export function readSessionCookie(request: HttpRequest, place: SessionCookiePlace): SessionCookie | undefined {
  const [, sessionId, secret] = VALUE.exec(readCookies(request).get(nameOf(place)) ?? "") ?? [];
  if (sessionId === undefined || secret === undefined) return undefined;
  return { sessionId, secret: Buffer.from(secret, "base64url") };
}

/** `Set-Cookie` for a session, and what drops the oldest beyond the eighth. */
export function setSessionCookie(
  request: HttpRequest,
  place: SessionCookiePlace,
  session: SessionCookie & { readonly lifetimeSeconds: number },
): readonly string[] {
  const own = nameOf(place);
  const value = `${session.sessionId}.${Buffer.from(session.secret).toString("base64url")}`;
  const others = [...readCookies(request)]
    .filter(([name]) => SESSION_COOKIE.test(name) && name !== own)
    .sort(([, one], [, other]) => Buffer.compare(ageOf(one), ageOf(other)))
    .map(([name]) => name);
  return [
    ...others.slice(0, Math.max(0, others.length - SESSIONS_MAX + 1)).map((name) => clear(place.publicUrl, name)),
    formatCookie(place.publicUrl, own, { value, maxAgeSeconds: session.lifetimeSeconds }),
  ];
}

/** `Set-Cookie` that ends a session in this browser. */
export function clearSessionCookie(place: SessionCookiePlace): string {
  return clear(place.publicUrl, nameOf(place));
}

function clear(publicUrl: string, name: string): string {
  return formatCookie(publicUrl, name, { value: "", maxAgeSeconds: 0 });
}

function nameOf({ publicUrl, realmId }: SessionCookiePlace): string {
  return `${isSecure(publicUrl) ? "__Host-" : ""}mayfly-${realmId}`;
}

// A session's id begins with the milliseconds of its making; base64url text does not sort as its bytes do.
function ageOf(value: string): Buffer {
  return Buffer.from(VALUE.exec(value)?.[1] ?? "", "base64url");
}
