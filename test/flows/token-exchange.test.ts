import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { call, postForm } from "../support/http.ts";
import { addIntrospector } from "../support/introspector.ts";
import { decodeJwt } from "../support/jwt.ts";
import { assertRefused } from "../support/refusals.ts";
import { type TestClient, testClient } from "../support/test-client.ts";
import { testCodeFlow, tokensOf } from "../support/test-code-flow.ts";
import { ACCESS_TOKEN, addExchanger, CREDENTIALS, exchange, JWT, nameExchangers } from "../support/token-exchange.ts";

const REFERENTIAL = { token_format: "referential" as const };
const INACTIVE = { active: false };

async function issue({ tenant, application }: TestClient, form = {}): Promise<string> {
  return tokensOf(await tenant.token(application, { ...CREDENTIALS, ...form })).access;
}

describe("a token is exchanged for a narrower one (RFC 8693, rule 16)", () => {
  test("by its own client: subject, session and audience stay, nobody acts", async () => {
    const flow = await testCodeFlow();
    const { tenant, application, resourceServer } = flow;
    const { access } = await flow.logIn();
    const form = { scope: "shoes:read", expiration_time: "60", token_name: "for the basket" };
    const answer = await exchange(tenant, application, access, form);
    assert.deepEqual(Object.keys(answer.json ?? {}), [
      ...["access_token", "token_type", "issued_token_type", "expires_in", "scope", "lifetime"],
    ]);
    assert.equal(answer.json?.issued_token_type, ACCESS_TOKEN);
    const [parent, child] = [decodeJwt(access), decodeJwt(tokensOf(answer).access)];
    for (const same of ["sub", "aud", "client_id", "bi_s", "bi_x", "bi_p", "bi_r", "iss"]) {
      assert.deepEqual(child[same], parent[same], same);
    }
    assert.deepEqual(child.aud, [application.clientId, resourceServer.settings.identifier]);
    assert.deepEqual([child.scope, Number(child.exp) - Number(child.iat), child.act], ["shoes:read", 60, undefined]);
    assert.equal((await tenant.introspect(application, tokensOf(answer).access)).active, true);
  });

  test("by one whom its client names: the new token is that one's, who acts", async () => {
    const client = await testClient({ config: REFERENTIAL });
    const { tenant, application } = client;
    const api = await addExchanger(client);
    const subject = await issue(client);
    const answer = await exchange(tenant, api, subject);
    const said = decodeJwt(tokensOf(answer).access); // its format is the exchanger's
    assert.deepEqual(
      [said.sub, said.client_id, said.scope, said.bi_ty],
      [application.clientId, api.clientId, "shoes:read shoes:write", "urn:ietf:params:oauth:grant-type:token-exchange"],
    );
    assert.deepEqual(said.act, { sub: api.clientId, client_id: api.clientId });
    const told = await tenant.introspect(api, tokensOf(answer).access);
    assert.deepEqual(told, { active: true, ...said, token_type: "Bearer" });
    assert.deepEqual(await tenant.introspect(application, tokensOf(answer).access), INACTIVE, "it is not its own");
    const { json } = await tenant.manage("GET", `/decisions/${tokensOf(answer).traceId}`);
    const [decision] = (json as { decisions: { facts: object }[] }).decisions;
    const parent = (await tenant.introspect(application, subject)).jti;
    assert.partialDeepStrictEqual(decision?.facts, { subject_token_id: parent, actor: said.act, audience: said.aud });
  });

  test("actors are nested, four at most", async () => {
    const client = await testClient();
    const { tenant, application } = client;
    const actor = await testClient({ tenant, server: client.resourceServer });
    const chain: TestClient[] = [client];
    let token = await issue(client);
    for (let depth = 1; depth <= 4; depth += 1) {
      const next = await testClient({ tenant, server: client.resourceServer });
      const last = chain.at(-1) ?? client;
      await nameExchangers(tenant, last.application, [next.application]);
      token = tokensOf(await exchange(tenant, next.application, token)).access;
      chain.push(next);
    }
    const names = [];
    for (let act = decodeJwt(token).act as { sub: string; act?: never } | undefined; act; act = act.act)
      names.push(act.sub);
    assert.deepEqual(
      names,
      chain
        .slice(1)
        .reverse()
        .map((one) => one.application.clientId),
    );
    const holder = chain.at(-1)?.application ?? application;
    tokensOf(await exchange(tenant, holder, token));
    await nameExchangers(tenant, actor.application, [holder]);
    const acting = { actor_token: await issue(actor), actor_token_type: ACCESS_TOKEN };
    const refused = await exchange(tenant, holder, token, acting);
    assertRefused(refused, 400, "invalid_request");
    assert.match(String(refused.json?.error_description), /4 actors/);
  });

  test("an actor token says who acts; it must be the exchanger's to use", async () => {
    const flow = await testCodeFlow();
    const { tenant, application } = flow;
    const { access } = await flow.logIn();
    const agent = await testClient({ tenant, server: flow.resourceServer });
    const acting = { actor_token: await issue(agent), actor_token_type: ACCESS_TOKEN };
    const foreign = await exchange(tenant, application, access, acting);
    assertRefused(foreign, 400, "invalid_request");
    await nameExchangers(tenant, agent.application, [application]);
    const said = decodeJwt(tokensOf(await exchange(tenant, application, access, acting)).access);
    const { clientId } = agent.application;
    assert.deepEqual([said.act, said.sub], [{ sub: clientId, client_id: clientId }, flow.identityId]);
  });

  test("may_act among the custom claims narrows who may act, for all that descends from it", async () => {
    const client = await testClient();
    const { tenant, application } = client;
    const [named, other] = [await addExchanger(client), await addExchanger(client)];
    await nameExchangers(tenant, application, [named, other]);
    const custom_claims = JSON.stringify({ may_act: { client_id: named.clientId } });
    const token = await issue(client, { custom_claims });
    const child = tokensOf(await exchange(tenant, named, token)).access;
    assert.deepEqual(decodeJwt(child).bi_custom, { may_act: { client_id: named.clientId } });
    assertRefused(await exchange(tenant, other, token), 400, "invalid_request");
    const own = tokensOf(await exchange(tenant, application, token, { custom_claims: "{}" })).access;
    assertRefused(await exchange(tenant, other, own), 400, "invalid_request");
    for (const may_act of [null, {}, [], "x", { sub: named.clientId, iss: "x" }, { client_id: [named.clientId] }]) {
      const odd = await issue(client, { custom_claims: JSON.stringify({ may_act }) });
      assertRefused(await exchange(tenant, named, odd), 400, "invalid_request");
    }
  });

  test("the audience may be narrowed, by audience and resource, each more than once", async () => {
    const flow = await testCodeFlow();
    const { tenant, application, resourceServer } = flow;
    const { access } = await flow.logIn();
    const { identifier } = resourceServer.settings;
    const ask = (...targets: [string, string][]) => exchange(tenant, application, access, targets);
    const server = decodeJwt(tokensOf(await ask(["resource", identifier], ["audience", identifier])).access);
    assert.deepEqual([server.aud, server.scope], [[identifier], "openid shoes:read shoes:write"]);
    const both = await ask(["audience", application.clientId], ["audience", identifier]);
    assert.deepEqual(decodeJwt(tokensOf(both).access).aud, [application.clientId, identifier]);
    const api = await addIntrospector(flow);
    assert.equal((await tenant.introspect(api.application, tokensOf(both).access)).active, true);
    const client = tokensOf(await ask(["audience", application.clientId])).access;
    assert.deepEqual(decodeJwt(client).scope, "openid", "the scopes of the server go with it");
    assert.deepEqual(await tenant.introspect(api.application, client), INACTIVE);
    assertRefused(await ask(["audience", application.clientId], ["scope", "shoes:read"]), 400, "invalid_scope");
    for (const wrong of ["https://elsewhere.example", identifier.toUpperCase(), api.application.clientId]) {
      assertRefused(await ask(["audience", identifier], ["resource", wrong]), 400, "invalid_target");
    }
    assertRefused(await ask(["scope", "openid"], ["scope", "openid"]), 400, "invalid_request");
    const elsewhere = await tenant.token(application, "grant_type=refresh_token&audience=a&audience=b&refresh_token=x");
    assertRefused(elsewhere, 400, "invalid_request");
  });

  test("says no more of the person than a pairwise application's token did (rule 20)", async () => {
    const flow = await testCodeFlow({ config: { subject_type: "pairwise" } });
    const { tenant, application } = flow;
    const first = await addExchanger(flow);
    const second = await testClient({ tenant, server: flow.resourceServer });
    await nameExchangers(tenant, first, [second.application]);
    const { access } = await flow.logIn();
    const child = tokensOf(await exchange(tenant, first, access)).access;
    const grandchild = tokensOf(await exchange(tenant, second.application, child)).access;
    for (const [holder, token] of [
      [application, access],
      [first, child],
      [second.application, grandchild],
    ] as const) {
      const told = await tenant.introspect(holder, token);
      for (const said of [told, decodeJwt(token)]) {
        assert.equal(said.client_id, holder.clientId);
        assert.ok(!("bi_p" in said || "bi_s" in said || "username" in said), JSON.stringify(said));
      }
    }
  });

  test("a person's exchanged token answers at userinfo, where openid was handed on", async () => {
    const flow = await testCodeFlow();
    const { access } = await flow.logIn({ scope: "openid email shoes:read" });
    const api = await addExchanger(flow, REFERENTIAL);
    const ask = (token: string) => call(`${api.issuer}/userinfo`, { headers: { authorization: `Bearer ${token}` } });
    const child = tokensOf(await exchange(flow.tenant, api, access)).access;
    const { json } = await ask(child);
    assert.equal(json?.sub, flow.identityId);
    const narrow = tokensOf(await exchange(flow.tenant, api, access, { scope: "shoes:read" })).access;
    assertRefused(await ask(narrow), 403, "insufficient_scope");
  });
});

describe("an exchanged token has what its ancestors have at this moment (rule 7)", () => {
  test("a scope that the person or the first application loses is lost to all that descends", async () => {
    const flow = await testCodeFlow();
    const { tenant, application } = flow;
    const api = await addExchanger(flow);
    const { access } = await flow.logIn();
    const child = tokensOf(await exchange(tenant, api, access)).access;
    const grandchild = tokensOf(await exchange(tenant, api, child, { scope: "shoes:read shoes:write" })).access;
    await flow.role.setScopes(["shoes:read"]);
    assert.equal((await tenant.introspect(api, child)).scope, "openid shoes:read");
    assert.equal((await tenant.introspect(api, grandchild)).scope, "shoes:read");
    const late = await exchange(tenant, application, access, { scope: "shoes:write" });
    assert.equal(tokensOf(late).scope, "", "what was there and is lost is dropped, as on refresh");
    const client = await testClient({ tenant, server: flow.resourceServer });
    const handed = await exchange(tenant, await addExchanger(client), await issue(client));
    await tenant.changeApplication(client.application, (settings) => ({
      ...settings,
      protocol_config: { ...settings.protocol_config, allowed_scopes: ["shoes:write"] },
    }));
    const bearer = `Bearer ${await tenant.managementToken("tokens:introspect")}`;
    const form = { token: tokensOf(handed).access };
    const told = await postForm(`${client.application.issuer}/introspect`, form, { authorization: bearer });
    assert.equal(told.json?.scope, "shoes:write");
  });

  test("the ceilings are those of who exchanges it, and of the resource server that it is for", async () => {
    const client = await testClient({ resourceServer: { token_policy: { max_expires_after: 500 } } });
    const { tenant } = client;
    const elsewhere = await tenant.addResourceServer({ token_policy: { max_expires_after: 10 } });
    const other = await testClient({ tenant, server: elsewhere, tokens: { expires_after: 300 } });
    await nameExchangers(tenant, client.application, [other.application]);
    const answer = await exchange(tenant, other.application, await issue(client), { expiration_time: "300" });
    assert.equal(answer.json?.expires_in, 300, answer.text);
    assert.deepEqual((answer.json?.lifetime as { maximum?: number } | undefined)?.maximum, 300);
    const { json } = await tenant.manage("GET", `/decisions/${tokensOf(answer).traceId}`);
    const [decision] = (json as { decisions: { facts: { lifetime: { ledger: { ceilings: object[] } } } }[] }).decisions;
    assert.deepEqual(decision?.facts.lifetime.ledger.ceilings, [
      { name: "application", seconds: 300, won: true },
      { name: "resource_server", seconds: 500, won: false },
      { name: "parent", seconds: 500, won: false },
    ]);
  });
});

describe("an exchange is refused", () => {
  test("with one wording, whatever is wrong with the token", async () => {
    const flow = await testCodeFlow();
    const { tenant, application } = flow;
    const client = await testClient({ tenant, server: flow.resourceServer });
    const elsewhere = await testClient();
    const { refresh, idToken, access } = await flow.logIn({ scope: "openid offline_access shoes:read" });
    const revoked = await issue(client);
    await call(`${client.application.issuer}/revoke`, {
      method: "POST",
      headers: {
        authorization: client.application.authorization,
        "content-type": "application/x-www-form-urlencoded",
      },
      body: `token=${revoked}`,
    });
    const short = await issue(client, { expiration_time: "10" });
    await tenant.advance(10);
    const later = Math.floor(Number(decodeJwt(short).exp)) + 50;
    const notYet = await issue(client, { not_before: String(later) });
    const worded = new Set<string>();
    for (const [what, holder, token] of [
      ["a refresh token", application, refresh],
      ["an ID token", application, idToken],
      ["somebody else's", client.application, access],
      ["another tenant's", client.application, await issue(elsewhere)],
      ["the management API's", client.application, await tenant.managementToken()],
      ["a revoked one", client.application, revoked],
      ["an expired one", client.application, short],
      ["one that is not valid yet", client.application, notYet],
      ["a changed one", client.application, `${(await issue(client)).slice(0, -4)}AAAA`],
      ["nonsense", client.application, "nonsense"],
    ] as const) {
      const answer = await exchange(tenant, holder, token);
      assertRefused(answer, 400, "invalid_request");
      worded.add(String(answer.json?.error_description));
      const acting = { actor_token: token, actor_token_type: ACCESS_TOKEN };
      const own = holder === application ? access : await issue(client);
      assertRefused(await exchange(tenant, holder, own, acting), 400, "invalid_request");
      assert.equal(worded.size, 1, `${what}: ${[...worded].join(" | ")}`);
    }
  });

  test("to a public client, and of a token that is not named to be exchanged any more", async () => {
    const flow = await testCodeFlow({ config: { confidentiality: "public" } });
    const { access } = await flow.logIn();
    const { tenant, application } = flow;
    const form = { client_id: application.clientId };
    assertRefused(await exchange(tenant, application, access, form), 400, "unauthorized_client");
    const api = await addExchanger(flow);
    const child = tokensOf(await exchange(tenant, api, access)).access;
    await nameExchangers(tenant, application, []);
    assertRefused(await exchange(tenant, api, access), 400, "invalid_request");
    assert.equal((await tenant.introspect(api, child)).active, true, "what was exchanged before lives on");
  });

  test("for anything wider", async () => {
    const client = await testClient({ config: REFERENTIAL });
    const { tenant, application } = client;
    const token = await issue(client, { scope: "shoes:read", expiration_time: "100", max_uses: "3" });
    const ask = (form: Readonly<Record<string, string>>) => exchange(tenant, application, token, form);
    assertRefused(await ask({ scope: "shoes:read shoes:write" }), 400, "invalid_scope");
    assertRefused(await ask({ scope: "openid" }), 400, "invalid_scope");
    const long = await ask({ expiration_time: "101" });
    assertRefused(long, 400, "invalid_request");
    assert.match(String(long.json?.error_description), /maximum of 100 seconds/);
    const often = await ask({ max_uses: "4" });
    assertRefused(often, 400, "invalid_request");
    assert.match(String(often.json?.error_description), /above the 3 uses/);
    const answer = await ask({ max_uses: "3", expiration_time: "100" });
    assert.deepEqual([answer.json?.expires_in, answer.json?.max_uses], [100, 3], answer.text);
    assert.equal((answer.json?.lifetime as { limited_by?: string } | undefined)?.limited_by, "parent");
  });

  test("where its parameters are not those of RFC 8693", async () => {
    const client = await testClient({ config: REFERENTIAL });
    const { tenant, application } = client;
    const token = await issue(client);
    for (const form of [
      { subject_token_type: "urn:ietf:params:oauth:token-type:id_token" },
      { subject_token_type: "" },
      { subject_token: "" },
      { subject_token_type: JWT },
      { requested_token_type: "urn:ietf:params:oauth:token-type:refresh_token" },
      { requested_token_type: "urn:ietf:params:oauth:token-type:id_token" },
      { requested_token_type: JWT },
      { actor_token: token },
      { actor_token_type: ACCESS_TOKEN },
    ]) {
      const sent = {
        grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
        subject_token: token,
        subject_token_type: ACCESS_TOKEN,
        ...form,
      };
      assertRefused(await tenant.token(application, sent), 400, "invalid_request");
    }
    const jwt = await testClient({ tenant, server: client.resourceServer });
    const form = { subject_token_type: JWT, requested_token_type: JWT };
    const sent = { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", subject_token: await issue(jwt) };
    const answer = await tenant.token(jwt.application, { ...sent, ...form });
    assert.equal(answer.json?.issued_token_type, JWT, answer.text);
  });

  test("beyond eight ancestors, the grant among them", async () => {
    const flow = await testCodeFlow();
    const { tenant, application } = flow;
    let { access } = await flow.logIn();
    for (let n = 1; n <= 7; n += 1) access = tokensOf(await exchange(tenant, application, access)).access;
    assert.equal((await tenant.introspect(application, access)).active, true);
    const ninth = await exchange(tenant, application, access);
    assertRefused(ninth, 400, "invalid_request");
    assert.match(String(ninth.json?.error_description), /8 ancestors/);
  });
});
