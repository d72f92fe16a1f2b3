import { type HttpRequest, headerOf } from "./route.ts";

// Rule 20: named per realm, `__Host-` on https, so that no other host and no path can set one for us. A browser that begins a
// login gets a cookie of its own for it: several tabs work, and of more than eight the oldest go.

/** Most logins that one browser has open at once, over all realms. */
export const OPEN_LOGINS_MAX = 8;

const TAG_LENGTH = 12; // 9 bytes of a request's id: when it began in milliseconds, and 24 random bits
const SECRET = /^[A-Za-z0-9_-]{43}$/;
const LOGIN_COOKIE = /^(?:__Host-)?mayfly-[0-9a-f]{16}-([A-Za-z0-9_-]{12})$/;

/** The login that a cookie belongs to. */
export interface LoginCookiePlace {
  /** the configured one: what decides between https and loopback http */
  readonly publicUrl: string;
  readonly realmId: string;
  /** 32 base64url characters */
  readonly requestId: string;
}

/** The secret that this browser holds for a login, if it does. */
export function readLoginCookie(request: HttpRequest, place: LoginCookiePlace): Buffer | undefined {
  const value = readCookies(request).get(nameOf(place));
  return value !== undefined && SECRET.test(value) ? Buffer.from(value, "base64url") : undefined;
}

/** `Set-Cookie` for a new login, and what drops the oldest beyond the eighth. */
export function setLoginCookie(
  request: HttpRequest,
  place: LoginCookiePlace,
  login: { readonly secret: Uint8Array; readonly lifetimeSeconds: number },
): readonly string[] {
  const value = Buffer.from(login.secret).toString("base64url");
  const open = [...readCookies(request).keys()].filter((name) => LOGIN_COOKIE.test(name)).sort(byAge);
  const surplus = open.slice(0, Math.max(0, open.length - OPEN_LOGINS_MAX + 1));
  return [
    ...surplus.map((name) => formatCookie(place.publicUrl, name, { value: "", maxAgeSeconds: 0 })),
    formatCookie(place.publicUrl, nameOf(place), { value, maxAgeSeconds: login.lifetimeSeconds }),
  ];
}

/** `Set-Cookie` that ends a login in this browser. */
export function clearLoginCookie(place: LoginCookiePlace): string {
  return formatCookie(place.publicUrl, nameOf(place), { value: "", maxAgeSeconds: 0 });
}

/** The cookies of a request by name; of a name sent twice the first, which is the more specific one (RFC 6265 §5.4). */
export function readCookies(request: HttpRequest): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>();
  for (const pair of (headerOf(request, "cookie") ?? "").split(";")) {
    const equals = pair.indexOf("=");
    const name = pair.slice(0, Math.max(0, equals)).trim();
    if (name !== "" && !cookies.has(name)) cookies.set(name, pair.slice(equals + 1).trim());
  }
  return cookies;
}

function nameOf({ publicUrl, realmId, requestId }: LoginCookiePlace): string {
  return `${isSecure(publicUrl) ? "__Host-" : ""}mayfly-${realmId}-${requestId.slice(0, TAG_LENGTH)}`;
}

/** `Set-Cookie` for a cookie of this server: for its pages only, not for scripts, and not for requests that other sites make. */
export function formatCookie(
  publicUrl: string,
  name: string,
  cookie: { readonly value: string; readonly maxAgeSeconds: number },
): string {
  const secure = isSecure(publicUrl) ? "; Secure" : "";
  return `${name}=${cookie.value}; Path=/; Max-Age=${cookie.maxAgeSeconds}; HttpOnly; SameSite=Lax${secure}`;
}

/** Whether cookies are for https: `Secure`, and with the prefix that binds them to this host. */
export function isSecure(publicUrl: string): boolean {
  return publicUrl.startsWith("https:");
}

// base64url text does not sort as its bytes do.
function byAge(one: string, other: string): number {
  return Buffer.compare(tagOf(one), tagOf(other));
}

function tagOf(name: string): Buffer {
  return Buffer.from(LOGIN_COOKIE.exec(name)?.[1] ?? "", "base64url");
}
