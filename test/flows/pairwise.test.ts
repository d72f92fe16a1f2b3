import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decodeJwt } from "jose";
import { call } from "../support/http.ts";
import {
  assertTold,
  authorize,
  idClaims,
  logInByCode,
  newPerson,
  type SignedIn,
  secondApplication,
  tokensOfAnswer,
} from "../support/single-sign-on.ts";
import { locationOf } from "../support/test-browser.ts";

const BACK = "https://client.example/out";
const PAIRWISE = { subject_type: "pairwise" as const, post_logout_redirect_uris: [BACK] };

async function world(): Promise<SignedIn> {
  return newPerson({ config: PAIRWISE });
}

describe("pairwise subjects (OIDC Core §8, rule 20)", () => {
  test("a person and a session have one name for each host, always the same, that no other could compare", async () => {
    const at = await world();
    const open = await secondApplication(at);
    const elsewhere = { ...PAIRWISE, redirect_uris: ["https://other.example/callback"] };
    const [sibling, stranger] = [await secondApplication(at, PAIRWISE), await secondApplication(at, elsewhere)];
    const first = idClaims(await logInByCode(at));
    const named = { redirect_uri: "https://other.example/callback" };
    const others = idClaims(await tokensOfAnswer(at.flow, stranger, await authorize(at, stranger, named)));
    const known = idClaims(await tokensOfAnswer(at.flow, open, await authorize(at, open)));
    assert.equal(known.sub, at.identityId);
    assert.equal(new Set([first.sub, others.sub, known.sub]).size, 3);
    assert.equal(new Set([first.sid, others.sid, known.sid]).size, 3);
    const same = idClaims(await tokensOfAnswer(at.flow, sibling, await authorize(at, sibling)));
    assert.equal(same.sub, first.sub, "one host, one sector");
    assert.notEqual(same.sid, first.sid);
    const again = idClaims(
      await tokensOfAnswer(at.flow, at.flow.application, await authorize(at, at.flow.application)),
    );
    assert.deepEqual([again.sub, again.sid], [first.sub, first.sid]);
    const later = idClaims(await logInByCode(at, at.flow.application, { prompt: "login" }));
    assert.deepEqual([later.sub, later.sid], [first.sub, first.sid]);
  });

  test("no token, introspection or userinfo tells the person's id or the session's own name", async () => {
    const at = await world();
    const open = await secondApplication(at);
    const tokens = await logInByCode(at);
    const own = idClaims(await tokensOfAnswer(at.flow, open, await authorize(at, open)));
    const claims = decodeJwt(tokens.access);
    assert.ok(!("bi_p" in claims) && !("bi_s" in claims));
    const refreshed = await at.flow.refresh(tokens.refresh);
    const info = await call(`${at.flow.application.issuer}/userinfo`, {
      headers: { authorization: `Bearer ${tokens.access}` },
    });
    assert.equal(info.json?.sub, idClaims(tokens).sub);
    const told = JSON.stringify([
      claims,
      idClaims(tokens),
      info.json,
      decodeJwt(String(refreshed.json?.access_token)),
      decodeJwt(String(refreshed.json?.id_token)),
      await at.flow.tenant.introspect(at.flow.application, String(refreshed.json?.access_token)),
      await at.flow.tenant.introspect(at.flow.application, String(refreshed.json?.refresh_token)),
    ]);
    for (const secret of [at.identityId, String(own.sid), at.email]) assert.ok(!told.includes(secret), secret);
  });

  test("its names work as hints, and log out", async () => {
    const at = await world();
    const tokens = await logInByCode(at);
    const hint = { id_token_hint: tokens.idToken };
    const silent = await authorize(at, at.flow.application, { ...hint, prompt: "none" });
    assert.ok(locationOf(silent).searchParams.has("code"));
    const query = new URLSearchParams({ ...hint, post_logout_redirect_uri: BACK });
    const left = await at.browser.open(`${at.flow.application.issuer}/end-session?${query}`);
    assert.equal(left.headers.get("location"), BACK);
    assertTold(await authorize(at, at.flow.application, { prompt: "none" }), "login_required");
  });

  test("discovery says which kind an application gives", async () => {
    const at = await world();
    const open = await secondApplication(at);
    for (const [application, kind] of [
      [at.flow.application, "pairwise"],
      [open, "public"],
    ] as const) {
      const metadata = await call(`${application.issuer}/.well-known/openid-configuration`);
      assert.deepEqual(metadata.json?.subject_types_supported, [kind]);
    }
  });
});
