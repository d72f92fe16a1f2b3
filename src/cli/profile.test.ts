import assert from "node:assert/strict";
import { test } from "node:test";
import { issuerOf, parseIssuer, readCredentials } from "./profile.ts";

const PATH = "/v1/tenants/00000000000000ab/realms/00000000000000cd/applications/5f1d7a52-7d0c-4c6e-9a53-6b1f0a5be001";

test("an issuer says where everything is", () => {
  const place = parseIssuer(`https://login.example.com${PATH}/`);
  assert.equal(place.origin, "https://login.example.com");
  assert.equal(place.key.realmId, "00000000000000cd");
  assert.equal(issuerOf(place), `https://login.example.com${PATH}`);
  assert.equal(parseIssuer(`http://localhost:8021${PATH}`).origin, "http://localhost:8021");
});

test("what is no issuer, or would send a secret readable, is refused with what to do", () => {
  for (const issuer of ["", "localhost:8021", "https://login.example.com", `https://login.example.com/auth${PATH}`]) {
    assert.throws(() => parseIssuer(issuer), { name: "CliError", advice: /^Give the application's issuer/ });
  }
  assert.throws(() => parseIssuer(`http://login.example.com${PATH}`), { name: "CliError", message: /not https/ });
});

test("credentials that lack something are refused without repeating what is there", () => {
  const written = { issuer: `https://login.example.com${PATH}`, client_secret: "hidden" };
  assert.throws(() => readCredentials({ name: "default", source: "a file", written }), {
    message: "a file holds no credentials: issuer, client_id and client_secret are needed",
  });
});
