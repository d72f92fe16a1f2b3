import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  INVALID_CLIENT_DESCRIPTION,
  INVALID_GRANT_DESCRIPTION,
  OAuthError,
  PUBLIC_DESCRIPTION_LENGTH_MAX,
  publicDescription,
  quoteValue,
  statusOf,
  UNQUOTED_VALUE,
} from "./oauth-error.ts";

test("invalid_grant and invalid_client say one thing on the wire, whatever the cause (rule 23)", () => {
  fc.assert(
    fc.property(fc.string(), (detail) => {
      assert.equal(publicDescription(new OAuthError("invalid_grant", detail)), INVALID_GRANT_DESCRIPTION);
      assert.equal(publicDescription(new OAuthError("invalid_client", detail)), INVALID_CLIENT_DESCRIPTION);
    }),
  );
});

test("every description stays in the character set of RFC 6749 and within its length", () => {
  const codes = fc.constantFrom("invalid_request", "invalid_grant", "invalid_client", "server_error");
  fc.assert(
    fc.property(codes, fc.string({ unit: "binary", maxLength: 1000 }), (code, detail) => {
      const text = publicDescription(new OAuthError(code, detail));
      assert.match(text, /^[\x20-\x21\x23-\x5B\x5D-\x7E]*$/);
      assert.ok(text.length <= PUBLIC_DESCRIPTION_LENGTH_MAX);
    }),
    { numRuns: 500 },
  );
});

test("a description that is clean already is shown unchanged", () => {
  assert.equal(publicDescription(new OAuthError("invalid_scope", "scope: nothing is left")), "scope: nothing is left");
});

test("characters outside the set are replaced, one for one, quotes by apostrophes", () => {
  assert.equal(publicDescription(new OAuthError("invalid_request", 'a "b" \\c\r\n\u00e9\u{1f600}')), "a 'b' ?c ??");
});

test("the status follows the code unless the error names another", () => {
  assert.equal(statusOf(new OAuthError("invalid_client", "x")), 401);
  assert.equal(statusOf(new OAuthError("invalid_client", "x", { status: 404 })), 404);
  assert.equal(statusOf(new OAuthError("temporarily_unavailable", "x")), 503);
  assert.equal(statusOf(new OAuthError("temporarily_unavailable", "x", { status: 429 })), 429);
  assert.equal(statusOf(new OAuthError("invalid_token", "x")), 401);
  assert.equal(statusOf(new OAuthError("insufficient_scope", "x")), 403);
  assert.equal(statusOf(new OAuthError("server_error", "x")), 500);
  assert.equal(statusOf(new OAuthError("invalid_grant", "x")), 400);
});

test("a rejected value is repeated only if it is a plain integer (rule 23)", () => {
  assert.equal(quoteValue("7200"), "7200");
  assert.equal(quoteValue("-5"), "-5");
  assert.equal(quoteValue("12345678901234567890"), "12345678901234567890");
  for (const value of ["", "-", "+5", "1.5", "123456789012345678901", "<b>", "5\n", "\u0661", " 5"]) {
    assert.equal(quoteValue(value), UNQUOTED_VALUE);
  }
});

test("an error keeps its cause and its facts for the decision", () => {
  const cause = new Error("below");
  const error = new OAuthError("server_error", "x", { cause, facts: { ceiling: "realm" }, retryAfterSeconds: 2 });
  assert.equal(error.cause, cause);
  assert.deepEqual(error.facts, { ceiling: "realm" });
  assert.equal(error.retryAfterSeconds, 2);
});
