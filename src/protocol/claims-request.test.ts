import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { chooseAcr, isAnyAcrReachable } from "./acr.ts";
import { NO_CLAIMS, parseClaimsRequest, scopesOfClaims } from "./claims-request.ts";

describe("the claims parameter", () => {
  test("asks for claims by name, for userinfo and ID token apart; what is not known is ignored (OIDC Core §5.5)", () => {
    const raw = JSON.stringify({
      userinfo: { given_name: { essential: true }, nickname: null, "https://example.com/claim": null },
      id_token: { auth_time: { essential: true }, email: null, acr: { values: ["mayfly:3", "mayfly:1"] } },
      other: { name: null },
    });
    assert.deepEqual(parseClaimsRequest(raw), {
      idToken: ["email"],
      userinfo: ["given_name", "nickname"],
      acrValues: ["mayfly:3", "mayfly:1"],
      acrIsEssential: false,
      subject: undefined,
    });
    assert.deepEqual(parseClaimsRequest(undefined), NO_CLAIMS);
    assert.deepEqual(parseClaimsRequest("{}"), NO_CLAIMS);
  });

  test("names who it must be, and a class that must be met", () => {
    const raw = JSON.stringify({ id_token: { sub: { value: "ann" }, acr: { essential: true, value: "mayfly:2" } } });
    const { subject, acrValues, acrIsEssential } = parseClaimsRequest(raw);
    assert.deepEqual([subject, acrValues, acrIsEssential], ["ann", ["mayfly:2"], true]);
  });

  for (const raw of [
    "",
    "x",
    "[]",
    "null",
    '"a"',
    '{"id_token":[]}',
    '{"userinfo":"email"}',
    `{"x":"${"x".repeat(8_192)}"}`,
    String.raw`{"id_token":{"sub":{"value":"\u0000"}}}`,
    String.raw`{"id_token":{"acr":{"values":["\ud800"]}}}`,
  ]) {
    test(`is refused where it is none: ${raw.slice(0, 30)}`, () => {
      assert.throws(() => parseClaimsRequest(raw), { code: "invalid_request" });
    });
  }

  test("no name of the language's own is taken for a claim", () => {
    const raw = '{"userinfo":{"__proto__":null,"constructor":null,"toString":null}}';
    assert.deepEqual(parseClaimsRequest(raw), NO_CLAIMS);
  });

  test("shows as the scopes that would give the same", () => {
    const asked = { idToken: ["email", "email_verified"], userinfo: ["phone_number"] };
    assert.deepEqual(scopesOfClaims(asked), ["email", "phone"]);
  });
});

describe("the class of a login", () => {
  test("is the first that was asked for and met, else what was reached (rule 32)", () => {
    assert.equal(chooseAcr([], "mayfly:1"), "mayfly:1");
    assert.equal(chooseAcr(["mayfly:3", "urn:other", "mayfly:1"], "mayfly:1"), "mayfly:1");
    assert.equal(chooseAcr(["urn:other"], "mayfly:1"), "mayfly:1");
    assert.equal(isAnyAcrReachable(["urn:other", "mayfly:1"], ["mayfly:1"]), true);
    assert.equal(isAnyAcrReachable(["urn:other"], ["mayfly:3"]), false);
  });
});
