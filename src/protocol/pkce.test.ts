import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import type { Confidentiality, PkceSetting } from "./client-metadata.ts";
import { OAuthError, type OAuthErrorCode } from "./oauth-error.ts";
import { type PkceMethod, parseChallenge, parseVerifier, unboundRedirectUriAllowed, verifyPkce } from "./pkce.ts";

// RFC 7636 Appendix B
const VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

const anyVerifier = fc.string({
  unit: fc.constantFrom(..."ABCxyz0189-._~"),
  minLength: 43,
  maxLength: 128,
});

function refuses(act: () => unknown, code: OAuthErrorCode, detail: RegExp): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof OAuthError);
    assert.equal(error.code, code);
    assert.match(error.detail, detail);
    return true;
  });
}

test("the vector of RFC 7636 Appendix B verifies", () => {
  verifyPkce({ challenge: { value: CHALLENGE, method: "S256" }, verifier: VERIFIER });
});

test("a verifier matches its own challenge, and no other", () => {
  fc.assert(
    fc.property(anyVerifier, anyVerifier, (verifier, other) => {
      const s256 = createHash("sha256").update(verifier).digest("base64url");
      for (const challenge of [
        { value: s256, method: "S256" },
        { value: verifier, method: "plain" },
      ] as const) {
        verifyPkce({ challenge, verifier });
        if (other !== verifier)
          refuses(() => verifyPkce({ challenge, verifier: other }), "invalid_grant", /does not match/);
      }
    }),
    { numRuns: 300 },
  );
});

test("the challenge itself is no verifier for S256", () => {
  refuses(
    () => verifyPkce({ challenge: { value: CHALLENGE, method: "S256" }, verifier: CHALLENGE }),
    "invalid_grant",
    /does not match/,
  );
});

test("a challenge without verifier, and a verifier without challenge, are invalid_grant (rule 6)", () => {
  refuses(
    () => verifyPkce({ challenge: { value: CHALLENGE, method: "S256" }, verifier: undefined }),
    "invalid_grant",
    /missing/,
  );
  refuses(() => verifyPkce({ challenge: undefined, verifier: VERIFIER }), "invalid_grant", /without code_challenge/);
  verifyPkce({ challenge: undefined, verifier: undefined });
});

type Outcome = PkceMethod | "none" | "refused";

function outcome(setting: PkceSetting, confidentiality: Confidentiality, sent: string): Outcome {
  const challenge = sent === "nothing" ? undefined : CHALLENGE;
  const method = sent === "S256" || sent === "plain" ? sent : undefined;
  try {
    return parseChallenge({ challenge, method, setting, confidentiality })?.method ?? "none";
  } catch (error) {
    assert.ok(error instanceof OAuthError && error.code === "invalid_request");
    return "refused";
  }
}

// What is sent: nothing, a challenge without method, S256, plain.
const TABLE: readonly (readonly [PkceSetting, Confidentiality, readonly [Outcome, Outcome, Outcome, Outcome]])[] = [
  ["disabled", "confidential", ["none", "refused", "S256", "refused"]],
  ["disabled", "public", ["refused", "refused", "S256", "refused"]],
  ["plain", "confidential", ["refused", "plain", "S256", "plain"]],
  ["plain", "public", ["refused", "plain", "S256", "plain"]],
  ["s256", "confidential", ["refused", "refused", "S256", "refused"]],
  ["s256", "public", ["refused", "refused", "S256", "refused"]],
];

for (const [setting, confidentiality, expected] of TABLE) {
  test(`a ${confidentiality} application with pkce ${setting} accepts what rule 6 says`, () => {
    const sent = ["nothing", "no method", "S256", "plain"];
    assert.deepEqual(
      sent.map((what) => outcome(setting, confidentiality, what)),
      expected,
    );
  });
}

test("a method without challenge, an unknown method and a malformed challenge are refused", () => {
  const base = { setting: "plain", confidentiality: "confidential" } as const;
  refuses(
    () => parseChallenge({ ...base, challenge: undefined, method: "S256" }),
    "invalid_request",
    /without code_challenge/,
  );
  for (const method of ["256", "s256", "PLAIN", "S512"]) {
    refuses(() => parseChallenge({ ...base, challenge: CHALLENGE, method }), "invalid_request", /plain or S256/);
  }
  for (const challenge of [CHALLENGE.slice(1), `${CHALLENGE}A`, `${CHALLENGE.slice(1)}=`, `${CHALLENGE.slice(1)}~`]) {
    refuses(() => parseChallenge({ ...base, challenge, method: "S256" }), "invalid_request", /malformed for S256/);
  }
  refuses(
    () => parseChallenge({ ...base, challenge: "x".repeat(42), method: "plain" }),
    "invalid_request",
    /malformed for plain/,
  );
  refuses(
    () => parseChallenge({ ...base, challenge: "x".repeat(129), method: "plain" }),
    "invalid_request",
    /malformed for plain/,
  );
});

test("a verifier is 43 to 128 unreserved characters (RFC 7636 section 4.1)", () => {
  assert.equal(parseVerifier(undefined), undefined);
  assert.equal(parseVerifier(VERIFIER), VERIFIER);
  assert.equal(parseVerifier("~".repeat(128)), "~".repeat(128));
  for (const raw of [
    "",
    "x".repeat(42),
    "x".repeat(129),
    `${"x".repeat(43)} `,
    `${"x".repeat(43)}\n`,
    `${"x".repeat(43)}+`,
    `${"x".repeat(43)}\u00e9`,
  ]) {
    refuses(() => parseVerifier(raw), "invalid_request", /^code_verifier must be/);
  }
});

test("redirect_uri may be left out for a code bound by S256, or for a confidential client's only one (rule 6)", () => {
  const s256 = { value: CHALLENGE, method: "S256" } as const;
  const plain = { value: VERIFIER, method: "plain" } as const;
  for (const challenge of [undefined, plain, s256]) {
    for (const confidentiality of ["confidential", "public"] as const) {
      for (const soleRedirectUriAtIssue of [true, false]) {
        const expected = challenge === s256 || (confidentiality === "confidential" && soleRedirectUriAtIssue);
        assert.equal(unboundRedirectUriAllowed({ challenge, confidentiality, soleRedirectUriAtIssue }), expected);
      }
    }
  }
});
