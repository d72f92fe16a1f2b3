import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { OAuthError } from "./oauth-error.ts";
import {
  formatScope,
  intersectLive,
  isOpenidScope,
  narrowScope,
  negotiateAuthorizeScope,
  negotiateClientScope,
  negotiateGrantedScope,
  OPENID_SCOPES,
  parseScope,
  SCOPES_MAX,
} from "./scope.ts";

const anyScope: fc.Arbitrary<string> = fc.constantFrom("a", "b", "c", "d", ...OPENID_SCOPES);
const anyScopes = fc.uniqueArray(anyScope);
const resourceScope: fc.Arbitrary<string> = fc.constantFrom("a", "b", "c", "d");
const resourceScopes = fc.uniqueArray(resourceScope);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

function isInvalidScope(error: unknown): boolean {
  assert.ok(error instanceof OAuthError);
  assert.equal(error.code, "invalid_scope");
  return true;
}

test("a scope is read in its order, without duplicates", () => {
  assert.deepEqual(parseScope("b a b openid a"), ["b", "a", "openid"]);
  assert.deepEqual(parseScope(" b  a "), ["b", "a"]);
  assert.equal(parseScope(undefined), undefined);
  assert.equal(parseScope(""), undefined);
  assert.deepEqual(parseScope("https://x/y:z ~!#[]"), ["https://x/y:z", "~!#[]"]);
});

test("a scope with other characters, of spaces only, or too long is invalid_scope", () => {
  for (const raw of [" ", "   ", 'a"b', "a\\b", "a\tb", "a\nb", "\u00e4", "a\u0000", "a\u00a0b", "\u007f"]) {
    assert.throws(() => parseScope(raw), isInvalidScope);
  }
  const many = (count: number) => Array.from({ length: count }, (_, index) => `s${index}`).join(" ");
  assert.equal(parseScope(many(SCOPES_MAX))?.length, SCOPES_MAX);
  assert.throws(() => parseScope(many(SCOPES_MAX + 1)), isInvalidScope);
});

test("what is formatted is read back", () => {
  fc.assert(
    fc.property(anyScopes, (scope) => {
      assert.deepEqual(parseScope(formatScope(scope)) ?? [], scope);
    }),
  );
  assert.equal(formatScope([]), "");
});

test("client credentials without scope get all that is allowed, in its order", () => {
  assert.deepEqual(negotiateClientScope({ requested: undefined, allowedScopes: ["b", "a"] }), {
    scope: ["b", "a"],
    dropped: [],
  });
  assert.deepEqual(negotiateClientScope({ requested: undefined, allowedScopes: [] }), { scope: [], dropped: [] });
});

test("client credentials drop what is not allowed, OpenID scopes too, and say why", () => {
  assert.deepEqual(negotiateClientScope({ requested: ["x", "b", "openid", "a"], allowedScopes: ["a", "b"] }), {
    scope: ["b", "a"],
    dropped: [
      { scope: "x", rule: "allowed_scopes" },
      { scope: "openid", rule: "application_type" },
    ],
  });
});

test("client credentials with nothing left of a request are invalid_scope (reference 6 #19)", () => {
  for (const requested of [["x"], ["openid"]]) {
    assert.throws(() => negotiateClientScope({ requested, allowedScopes: ["a"] }), isInvalidScope);
  }
});

const authorize = {
  applicationType: "oidc",
  offlineAccess: true,
  allowedScopes: ["a", "b"],
  roleScopes: ["b", "c"],
} as const;

test("authorize grants what application and roles both allow, and drops the rest by name of the rule", () => {
  assert.deepEqual(negotiateAuthorizeScope({ ...authorize, requested: ["openid", "c", "b", "a", "email"] }), {
    scope: ["openid", "b", "email"],
    dropped: [
      { scope: "c", rule: "allowed_scopes" },
      { scope: "a", rule: "roles" },
    ],
  });
});

test("OpenID scopes are for oidc applications, offline_access for those with refresh tokens (rules 19 and 33)", () => {
  const requested = [...OPENID_SCOPES];
  assert.deepEqual(negotiateAuthorizeScope({ ...authorize, requested }).scope, requested);
  assert.deepEqual(negotiateAuthorizeScope({ ...authorize, requested, offlineAccess: false }).dropped, [
    { scope: "offline_access", rule: "offline_access" },
  ]);
  const oauth2 = negotiateAuthorizeScope({ ...authorize, requested, applicationType: "oauth2" });
  assert.deepEqual(oauth2.scope, []);
  assert.ok(oauth2.dropped.every(({ rule }) => rule === "application_type"));
});

test("authorize without scope grants nothing, and an empty result is no error", () => {
  assert.deepEqual(negotiateAuthorizeScope({ ...authorize, requested: undefined }), { scope: [], dropped: [] });
  assert.deepEqual(negotiateAuthorizeScope({ ...authorize, requested: ["x"] }).scope, []);
});

test("without a resource server there are no roles to ask, and OpenID scopes are granted", () => {
  const verdict = negotiateAuthorizeScope({
    ...authorize,
    requested: ["openid", "a"],
    allowedScopes: [],
    roleScopes: undefined,
  });
  assert.deepEqual(verdict, { scope: ["openid"], dropped: [{ scope: "a", rule: "allowed_scopes" }] });
});

test("at exchange the scope may only narrow, in the order of the request (rule 33)", () => {
  const granted = ["openid", "a", "b"];
  assert.deepEqual(narrowScope({ requested: undefined, granted }), { scope: granted, dropped: [] });
  assert.deepEqual(narrowScope({ requested: ["b", "openid"], granted }), {
    scope: ["b", "openid"],
    dropped: [{ scope: "a", rule: "not_requested" }],
  });
  for (const requested of [["c"], ["a", "c"], ["email"]])
    assert.throws(() => narrowScope({ requested, granted }), isInvalidScope);
});

test("a refresh drops what a role or the application has lost, and refuses what was never granted (rule 33)", () => {
  const base = { granted: ["openid", "a", "b", "c"], allowedScopes: ["a", "b"], roleScopes: ["a", "c"] };
  assert.deepEqual(negotiateGrantedScope({ ...base, requested: undefined }), {
    scope: ["openid", "a"],
    dropped: [
      { scope: "b", rule: "roles" },
      { scope: "c", rule: "allowed_scopes" },
    ],
  });
  assert.deepEqual(negotiateGrantedScope({ ...base, requested: ["b"] }).scope, []);
  assert.throws(() => negotiateGrantedScope({ ...base, requested: ["a", "d"] }), isInvalidScope);
  assert.throws(() => negotiateGrantedScope({ ...base, requested: ["email"] }), isInvalidScope);
});

test("the live scope loses what the roles lost and gains nothing; OpenID scopes are exempt", () => {
  assert.deepEqual(intersectLive(["openid", "b", "a"], ["a", "c"]), {
    scope: ["openid", "a"],
    dropped: [{ scope: "b", rule: "roles" }],
  });
  assert.deepEqual(intersectLive(["a"], []), { scope: [], dropped: [{ scope: "a", rule: "roles" }] });
  assert.deepEqual(intersectLive(["a", "b"], undefined), { scope: ["a", "b"], dropped: [] });
});

test("every requested scope is either granted or dropped once, in order, and never more than allowed", () => {
  fc.assert(
    fc.property(
      anyScopes,
      resourceScopes,
      optional(resourceScopes),
      fc.boolean(),
      (requested, allowedScopes, roleScopes, oidc) => {
        const { scope, dropped } = negotiateAuthorizeScope({
          requested,
          applicationType: oidc ? "oidc" : "oauth2",
          offlineAccess: true,
          allowedScopes,
          roleScopes,
        });
        assert.deepEqual([...scope, ...dropped.map((one) => one.scope)].toSorted(), requested.toSorted());
        assert.deepEqual(
          scope,
          requested.filter((one) => scope.includes(one)),
        );
        for (const one of scope) {
          if (isOpenidScope(one)) assert.ok(oidc);
          else assert.ok(allowedScopes.includes(one) && (roleScopes?.includes(one) ?? true));
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("no chain of exchange, refresh and role changes ever widens a grant", () => {
  fc.assert(
    fc.property(
      anyScopes,
      optional(anyScopes),
      resourceScopes,
      optional(resourceScopes),
      (granted, requested, allowedScopes, roleScopes) => {
        const input = { granted, requested, allowedScopes, roleScopes };
        const foreign = requested?.some((one) => !granted.includes(one)) ?? false;
        if (foreign) {
          assert.throws(() => negotiateGrantedScope(input), isInvalidScope);
          assert.throws(() => narrowScope(input), isInvalidScope);
          return;
        }
        const refreshed = negotiateGrantedScope(input).scope;
        assert.ok(refreshed.every((one) => granted.includes(one) && (requested?.includes(one) ?? true)));
        const live = intersectLive(refreshed, roleScopes).scope;
        assert.deepEqual(live, refreshed);
      },
    ),
    { numRuns: 500 },
  );
});
