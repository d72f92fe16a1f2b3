import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { OAuthError } from "./oauth-error.ts";
import {
  ACTORS_MAX,
  letsAct,
  narrowAudience,
  narrowExchangedScope,
  nestActor,
  readExchange,
  TOKEN_TYPES,
} from "./token-exchange.ts";

const [ACCESS = "", JWT = ""] = TOKEN_TYPES;
const NAMES = ["a", "b", "c", "d", "openid"];
const some = fc.subarray(NAMES);

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof OAuthError);
    return error.code;
  }
  return "none";
}

test("an audience only ever shrinks, and what is refused was not the subject token's", () => {
  fc.assert(
    fc.property(some, some, (audience, targets) => {
      const foreign = targets.some((target) => !audience.includes(target));
      assert.equal(
        codeOf(() => narrowAudience(audience, targets)),
        foreign ? "invalid_target" : "none",
      );
      if (foreign) return;
      const narrowed = narrowAudience(audience, targets);
      assert.deepEqual(new Set(narrowed), new Set(targets.length === 0 ? audience : targets));
    }),
  );
});

test("a scope only ever shrinks, and without its resource server to those of OpenID", () => {
  const optional = fc.option(some, { nil: undefined });
  fc.assert(
    fc.property(some, optional, optional, fc.boolean(), (scope, liveScopes, requested, isForServer) => {
      const held = isForServer ? scope : scope.filter((one) => one === "openid");
      const narrow = () => narrowExchangedScope(requested, { scope, liveScopes, isForServer });
      const isWider = requested?.some((one) => !held.includes(one)) ?? false;
      assert.equal(codeOf(narrow), isWider ? "invalid_scope" : "none");
      if (isWider) return;
      const lives = (one: string) => one === "openid" || liveScopes === undefined || liveScopes.includes(one);
      assert.deepEqual(narrow().scope, (requested ?? held).filter(lives));
    }),
  );
});

test("actors are nested, the latest outside, up to the most that there may be", () => {
  const actor = (n: number) => ({ sub: `s${n}`, client_id: `c${n}` });
  assert.equal(nestActor(undefined, undefined), undefined);
  const [first, second] = [nestActor(actor(1), undefined), nestActor(actor(2), nestActor(actor(1), undefined))];
  assert.deepEqual(second, { sub: "s2", client_id: "c2", act: first });
  assert.equal(nestActor(undefined, second), second);
  let act: Readonly<Record<string, unknown>> | undefined;
  for (let n = 1; n <= ACTORS_MAX; n += 1) act = nestActor(actor(n), act);
  assert.equal(
    codeOf(() => nestActor(actor(5), act)),
    "invalid_request",
  );
});

test("may_act lets whom it names and nobody else; what is not understood lets nobody", () => {
  const actor = { sub: "s", client_id: "c" };
  for (const claims of [undefined, {}, { other: 1 }]) assert.equal(letsAct(claims, actor), true);
  for (const may_act of [{ sub: "s" }, { client_id: "c" }, actor]) assert.equal(letsAct({ may_act }, actor), true);
  for (const may_act of [
    undefined,
    null,
    [],
    {},
    "s",
    { sub: "x" },
    { sub: "s", client_id: "x" },
    { sub: "s", iss: "" },
  ])
    assert.equal(letsAct({ may_act }, actor), false);
});

test("a request names tokens with their types, and no other type of token is made", () => {
  const jwt = "e30.e30.e30";
  const subject = { subject_token: jwt, subject_token_type: ACCESS };
  const read = (form: Readonly<Record<string, string>>, format: "self_contained" | "referential" = "self_contained") =>
    readExchange({ values: new Map(Object.entries(form)), lists: new Map([["resource", ["r"]]]) }, format);
  assert.deepEqual(read(subject), {
    subjectToken: jwt,
    actorToken: undefined,
    issuedTokenType: ACCESS,
    targets: ["r"],
  });
  const typed = { ...subject, subject_token_type: JWT, requested_token_type: JWT };
  assert.equal(read(typed).issuedTokenType, JWT);
  assert.equal(
    codeOf(() => read(typed, "referential")),
    "invalid_request",
  );
  for (const wrong of [
    {},
    { subject_token: jwt },
    { subject_token_type: ACCESS },
    { ...subject, subject_token: "opaque", subject_token_type: JWT },
    { ...subject, actor_token: jwt },
    { ...subject, actor_token_type: ACCESS },
    { ...subject, requested_token_type: "urn:ietf:params:oauth:token-type:saml2" },
  ]) {
    assert.equal(
      codeOf(() => read(wrong)),
      "invalid_request",
    );
  }
});
