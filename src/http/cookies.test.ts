import assert from "node:assert/strict";
import { test } from "node:test";
import { clearLoginCookie, OPEN_LOGINS_MAX, readLoginCookie, setLoginCookie } from "./cookies.ts";
import type { HttpRequest } from "./route.ts";

const REALM = "0123456789abcdef";
const SECRET = Buffer.alloc(32, 5);
const VALUE = SECRET.toString("base64url");

function requestWith(cookie: string | undefined): HttpRequest {
  return {
    method: "GET",
    traceId: Buffer.alloc(16),
    correlationId: "",
    parameters: {},
    queryString: "",
    query: {},
    headers: cookie === undefined ? {} : { cookie },
    bytes: new Uint8Array(),
    remoteAddress: "127.0.0.1",
    caller: undefined,
  };
}

/** The id of a request that began at a millisecond. */
function idAt(ms: number): string {
  const bytes = Buffer.alloc(24, 9);
  bytes.writeUIntBE(ms, 0, 6);
  return bytes.toString("base64url");
}

function placeAt(ms: number, publicUrl = "https://login.example") {
  return { publicUrl, realmId: REALM, requestId: idAt(ms) };
}

const login = { secret: SECRET, lifetimeSeconds: 600 };

test("on https a login's cookie is bound to the host, and on loopback http it works without", () => {
  const [secure] = setLoginCookie(requestWith(undefined), placeAt(1), login);
  assert.match(
    String(secure),
    new RegExp(
      `^__Host-mayfly-${REALM}-[A-Za-z0-9_-]{12}=${VALUE}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure$`,
    ),
  );
  const [plain] = setLoginCookie(requestWith(undefined), placeAt(1, "http://localhost:8021"), login);
  assert.match(
    String(plain),
    new RegExp(`^mayfly-${REALM}-[A-Za-z0-9_-]{12}=${VALUE}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax$`),
  );
});

test("a cookie is read back by the login it was set for, and by no other", () => {
  const [cookie = ""] = setLoginCookie(requestWith(undefined), placeAt(1), login);
  const request = requestWith(`other=1; ${cookie.split(";")[0]}; x`);
  assert.deepEqual(readLoginCookie(request, placeAt(1)), SECRET);
  assert.equal(readLoginCookie(request, placeAt(2)), undefined);
  assert.equal(readLoginCookie(request, { ...placeAt(1), realmId: "f".repeat(16) }), undefined);
});

test("a value that is no secret is none", () => {
  const [cookie = ""] = setLoginCookie(requestWith(undefined), placeAt(1), login);
  const name = cookie.split("=")[0];
  for (const value of ["", "short", `${VALUE}A`, `"${VALUE}"`]) {
    assert.equal(readLoginCookie(requestWith(`${name}=${value}`), placeAt(1)), undefined);
  }
  assert.equal(readLoginCookie(requestWith(undefined), placeAt(1)), undefined);
});

test("of more logins than a browser may have open, the oldest go", () => {
  // In an order that text does not have: "-" and "_" sort before and after the letters.
  const instants = Array.from({ length: OPEN_LOGINS_MAX + 1 }, (_, index) => 1_700_000_000_000 + index * 777_777_777);
  const open = instants.map(
    (ms) => String(setLoginCookie(requestWith(undefined), placeAt(ms), login)[0]).split(";")[0],
  );
  const answer = setLoginCookie(requestWith(open.toReversed().join("; ")), placeAt(1_800_000_000_000), login);
  assert.equal(answer.length, 3);
  for (const [index, line] of answer.slice(0, 2).entries()) {
    assert.ok(line.startsWith(`${open[index]?.split("=")[0]}=; `), line);
    assert.match(line, /Max-Age=0/);
  }
});

test("a login that is over takes its cookie with it", () => {
  assert.match(clearLoginCookie(placeAt(1)), /=; Path=\/; Max-Age=0; HttpOnly; SameSite=Lax; Secure$/);
});
