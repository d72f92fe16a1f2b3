import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { calculateJwkThumbprint } from "jose";
import { jwkThumbprint } from "./jwk-thumbprint.ts";

test("the thumbprint of the key in RFC 7638 §3.1 is the RFC's", () => {
  const n =
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
  const key = { kty: "RSA", n, e: "AQAB", alg: "RS256", kid: "2011-04-29" };
  assert.equal(jwkThumbprint(key), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
});

test("thumbprints of elliptic keys are those of another implementation", async () => {
  for (const pair of [generateKeyPairSync("ec", { namedCurve: "P-256" }), generateKeyPairSync("ed25519")]) {
    const jwk = pair.publicKey.export({ format: "jwk" });
    assert.equal(jwkThumbprint({ ...jwk }), await calculateJwkThumbprint(jwk));
  }
});

test("a key without a required member, or of another type, has none", () => {
  assert.throws(() => jwkThumbprint({ kty: "EC", crv: "P-256", x: "AA" }), RangeError);
  assert.throws(() => jwkThumbprint({ kty: "oct", k: "AA" }), RangeError);
  assert.throws(() => jwkThumbprint({}), RangeError);
});
