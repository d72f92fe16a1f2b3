import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  appendFragment,
  appendParameters,
  checkRegisteredRedirectUri,
  hasSoleRedirectUri,
  isNativeRedirectUri,
  matchRedirectUri,
  REDIRECT_URI_LENGTH_MAX,
} from "./redirect-uri.ts";

const ACCEPTED_BY_ALL = [
  "https://app.example.com",
  "https://app.example.com/callback?tenant=1",
  "https://app.example.com:8443/a/b;c=%20",
  "https://xn--mnchen-3ya.example/",
  "http://localhost/cb",
  "http://localhost:3000/api/auth/callback/beyondidentity",
  "http://127.0.0.1:8080",
  "http://[::1]:80/cb",
  "http://127.0.0.1?x=1",
];

test("https, and http on this machine, may be registered by every application", () => {
  for (const uri of ACCEPTED_BY_ALL) {
    assert.equal(checkRegisteredRedirectUri(uri, "confidential"), undefined, uri);
    assert.equal(checkRegisteredRedirectUri(uri, "public"), undefined, uri);
  }
});

test("a private-use scheme with a dot may be registered by public applications only (rule 22)", () => {
  for (const uri of ["com.example.app:/callback", "com.example.app://callback", "com.example.app:callback"]) {
    assert.equal(checkRegisteredRedirectUri(uri, "public"), undefined);
    assert.match(checkRegisteredRedirectUri(uri, "confidential") ?? "", /https for a confidential/);
  }
});

const REFUSED: readonly (readonly [string, RegExp])[] = [
  ["", /absolute URI/],
  ["/callback", /absolute URI/],
  ["//example.com/cb", /absolute URI/],
  ["HTTPS://example.com/cb", /absolute URI/],
  ["https:", /absolute URI/],
  ["https://", /absolute URI/],
  ["https:/example.com", /one host/],
  ["https:example.com", /one host/],
  ["https:///example.com", /one host/],
  ["https://*.example.com/cb", /one host/],
  ["https://example.com/cb#", /fragment/],
  ["https://example.com/cb#x", /fragment/],
  ["https://user@example.com/cb", /user information/],
  ["https://user:pass@example.com/cb", /user information/],
  ["https://@example.com/cb", /user information/],
  ["com.example.app://u@host/cb", /user information/],
  ["http://example.com/cb", /must be https/],
  ["http://127.0.0.2/cb", /must be https/],
  ["http://0x7f.1/cb", /must be https/],
  ["http://2130706433/cb", /must be https/],
  ["http://localhost.example.com/cb", /must be https/],
  ["http://127.0.0.1.example.com/", /must be https/],
  ["http://localhost:123456/", /absolute URI/],
  ["javascript:alert(1)", /browser runs/],
  ["data:text/html,x", /browser runs/],
  ["file:///etc/passwd", /browser runs/],
  ["blob:https://example.com/1", /browser runs/],
  ["myapp:/cb", /contains a dot/],
  ["ftp://example.com/", /contains a dot/],
  ["urn:ietf:wg:oauth:2.0:oob", /contains a dot/],
  ["https://example.com/\ncb", /characters of a URI/],
  ["https://example.com\\@evil.example/", /characters of a URI/],
  ["https://example.com/ cb", /characters of a URI/],
  ["https://ex\u00e4mple.com/", /characters of a URI/],
  ["https://example.com/\u0000", /characters of a URI/],
  ["\thttps://example.com/", /characters of a URI/],
  ['https://example.com/"><script>', /characters of a URI/],
  [`https://example.com/${"a".repeat(REDIRECT_URI_LENGTH_MAX)}`, /over 2048/],
];

for (const [uri, reason] of REFUSED) {
  test(`the redirect URI ${JSON.stringify(uri.slice(0, 50))} cannot be registered (rule 22)`, () => {
    assert.match(checkRegisteredRedirectUri(uri, "public") ?? "accepted", reason);
    assert.ok(checkRegisteredRedirectUri(uri, "confidential"));
  });
}

test("what may be registered is read by browsers as written: scheme, no user, no fragment", () => {
  const piece = fc.constantFrom(
    "https:",
    "http:",
    "com.app:",
    "//",
    "/",
    "\\",
    "@",
    "#",
    "?",
    ":",
    "a",
    "127.0.0.1",
    "localhost",
    "[::1]",
    ".",
    "*",
    " ",
    "%00",
    "80",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const uri = pieces.join("");
      if (checkRegisteredRedirectUri(uri, "public") !== undefined) return;
      const url = new URL(uri);
      assert.equal(url.username + url.password + url.hash, "");
      assert.ok(uri.startsWith(url.protocol));
      if (url.protocol === "http:") assert.ok(["127.0.0.1", "[::1]", "localhost"].includes(url.hostname));
    }),
    { numRuns: 500 },
  );
});

test("a presented redirect URI matches as a string only", () => {
  const registered = ["https://app.example.com/cb", "http://localhost:3000/cb"];
  assert.equal(
    matchRedirectUri(registered, "https://app.example.com/cb", "confidential"),
    "https://app.example.com/cb",
  );
  for (const presented of [
    "https://app.example.com/cb/",
    "https://app.example.com/cb?x=1",
    "https://app.example.com:443/cb",
    "https://APP.example.com/cb",
    "https://app.example.com/a/../cb",
    "http://app.example.com/cb",
    "http://localhost:3001/cb",
    "http://localhost/cb",
    "",
  ]) {
    for (const confidentiality of ["confidential", "public"] as const) {
      assert.equal(matchRedirectUri(registered, presented, confidentiality), undefined, presented);
    }
  }
});

test("the port of a loopback address is free for public applications, with the same host and path (RFC 8252 section 7.3)", () => {
  const registered = ["http://127.0.0.1/cb?x=1", "http://[::1]:5000"];
  assert.equal(matchRedirectUri(registered, "http://127.0.0.1:49152/cb?x=1", "public"), registered[0]);
  assert.equal(matchRedirectUri(registered, "http://[::1]", "public"), registered[1]);
  assert.equal(matchRedirectUri(registered, "http://[::1]:65535", "public"), registered[1]);
  assert.equal(matchRedirectUri(registered, "http://127.0.0.1:49152/cb?x=1", "confidential"), undefined);
  for (const presented of [
    "http://127.0.0.1:49152/cb",
    "http://127.0.0.1:49152/cb?x=2",
    "http://127.0.0.1:49152/CB?x=1",
    "https://127.0.0.1:49152/cb?x=1",
    "http://127.0.0.2:49152/cb?x=1",
    "http://localhost:49152/cb?x=1",
    "http://127.0.0.1:0/cb?x=1",
    "http://127.0.0.1:65536/cb?x=1",
    "http://127.0.0.1:80@evil.example/cb?x=1",
    "http://127.0.0.1.evil.example/cb?x=1",
    "http://127.0.0.1:/cb?x=1",
    "http://127.0.0.1:49152/cb?x=1#y",
    "http://[::1]/",
    "http://127.0.0.1:49152/cb?x=1\n",
  ]) {
    assert.equal(matchRedirectUri(registered, presented, "public"), undefined, presented);
  }
});

test("a request is native if its redirect URI could be claimed by any local program (rule 36)", () => {
  for (const uri of [
    "http://127.0.0.1/cb",
    "http://[::1]:3/cb",
    "http://localhost:3000/cb",
    "com.example.app:/cb",
    "https://127.0.0.1/cb",
    "https://0x7f.1/cb",
    "https://localhost/cb",
    "https://app.localhost/cb",
    "https://[::ffff:127.0.0.1]/",
    "not a uri",
  ]) {
    assert.equal(isNativeRedirectUri(uri), true, uri);
  }
  for (const uri of ["https://app.example.com/cb", "https://127.example.com/", "https://localhost.example.com/"]) {
    assert.equal(isNativeRedirectUri(uri), false, uri);
  }
});

test("the sole redirect URI is one, and no loopback one (rule 6)", () => {
  assert.equal(hasSoleRedirectUri(["https://app.example.com/cb"]), true);
  assert.equal(hasSoleRedirectUri([]), false);
  assert.equal(hasSoleRedirectUri(["http://localhost:3000/cb"]), false);
  assert.equal(hasSoleRedirectUri(["http://127.0.0.1/cb"]), false);
  assert.equal(hasSoleRedirectUri(["https://app.example.com/cb", "http://127.0.0.1/cb"]), false);
});

test("parameters are added to a redirect URI, after the query that it has (rule 18)", () => {
  const added = { code: "a b&c", state: undefined, iss: "https://x/?" };
  const text = "code=a+b%26c&iss=https%3A%2F%2Fx%2F%3F";
  assert.equal(appendParameters("https://a.example/cb", added), `https://a.example/cb?${text}`);
  assert.equal(appendParameters("https://a.example/cb?x=1", added), `https://a.example/cb?x=1&${text}`);
  assert.equal(appendParameters("https://a.example/cb?", added), `https://a.example/cb?${text}`);
  assert.equal(appendParameters("https://a.example/cb?x=1&", added), `https://a.example/cb?x=1&${text}`);
  assert.equal(appendParameters("https://a.example/cb", { state: undefined }), "https://a.example/cb");
  assert.equal(appendFragment("https://a.example/cb?x=1", added), `https://a.example/cb?x=1#${text}`);
  assert.equal(appendFragment("https://a.example/cb", {}), "https://a.example/cb");
});

test("whatever is added is read back by a client, and what was there stays", () => {
  const value = fc.string({ unit: "grapheme", maxLength: 20 });
  fc.assert(
    fc.property(value, value, (code, state) => {
      const url = new URL(appendParameters("https://a.example/cb?keep=1", { code, state }));
      assert.deepEqual(
        [...url.searchParams],
        [
          ["keep", "1"],
          ["code", code],
          ["state", state],
        ],
      );
      assert.equal(url.origin + url.pathname, "https://a.example/cb");
    }),
    { numRuns: 300 },
  );
});
