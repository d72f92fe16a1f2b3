import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HttpRequest } from "./route.ts";
import { clearSessionCookie, readSessionCookie, setSessionCookie } from "./session-cookie.ts";

const SECRET = Buffer.alloc(32, 7);

function requestWith(cookie: string): HttpRequest {
  return { headers: { cookie } } as unknown as HttpRequest;
}

function idOf(millisecond: number): string {
  const bytes = Buffer.alloc(24);
  bytes.writeUIntBE(millisecond, 0, 6);
  return bytes.toString("base64url");
}

const realmOf = (n: number): string => n.toString(16).padStart(16, "0");
const cookieOf = (n: number): string => `${idOf(n)}.${SECRET.toString("base64url")}`;

describe("the cookie of a session", () => {
  const https = { publicUrl: "https://id.example", realmId: realmOf(1) };

  test("is bound to the host and to https; on loopback http it cannot be (rule 20)", () => {
    const session = { sessionId: idOf(1), secret: SECRET, lifetimeSeconds: 60 };
    const [secure] = setSessionCookie(requestWith(""), https, session);
    assert.equal(
      secure,
      `__Host-mayfly-${realmOf(1)}=${cookieOf(1)}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure`,
    );
    const loopback = { ...https, publicUrl: "http://localhost:8021" };
    const [plain] = setSessionCookie(requestWith(""), loopback, session);
    assert.equal(plain, `mayfly-${realmOf(1)}=${cookieOf(1)}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax`);
    assert.match(clearSessionCookie(https), /^__Host-mayfly-0{15}1=; Path=\/; Max-Age=0;/);
  });

  test("is read as it was written, and nothing else is", () => {
    const name = `__Host-mayfly-${realmOf(1)}`;
    const read = (cookie: string) => readSessionCookie(requestWith(cookie), https);
    assert.deepEqual(read(`a=b; ${name}=${cookieOf(5)}`), { sessionId: idOf(5), secret: SECRET });
    assert.equal(read(`mayfly-${realmOf(1)}=${cookieOf(5)}`), undefined, "anybody on the host could have set it");
    assert.equal(read(`${name}=${idOf(5)}`), undefined);
    assert.equal(read(`${name}=${cookieOf(5)}x`), undefined);
  });

  test("of more than eight realms the one with the oldest session goes, and the cookies of open logins stay", () => {
    const newestFirst = [9, 8, 7, 6, 5, 4, 3, 2].map((n) => `__Host-mayfly-${realmOf(n)}=${cookieOf(n)}`);
    const login = `__Host-mayfly-${realmOf(2)}-AAAAAAAAAAAA=${SECRET.toString("base64url")}`;
    const session = { sessionId: idOf(10), secret: SECRET, lifetimeSeconds: 60 };
    const place = { ...https, realmId: realmOf(10) };
    const lines = setSessionCookie(requestWith([login, ...newestFirst].join("; ")), place, session);
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? "", new RegExp(`^__Host-mayfly-${realmOf(2)}=; Path=/; Max-Age=0;`));
    const again = setSessionCookie(requestWith(newestFirst.join("; ")), { ...place, realmId: realmOf(9) }, session);
    assert.equal(again.length, 1, "its own is replaced");
  });
});
