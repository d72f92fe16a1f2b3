import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatBindingToken, formatLinkToken, parseBindingToken } from "../../src/protocol/opaque-token.ts";
import {
  beginEmbedded,
  bindByLink,
  bindPasskey,
  type EmbeddedWorld,
  embeddedWorld,
  exchangeBindingToken,
  linkOf,
  logInByCode,
  logInByPasskey,
  makeLink,
  postJson,
  SHOP,
} from "../support/embedded-login.ts";
import type { Answer } from "../support/http.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import { assertRefused } from "../support/refusals.ts";
import { softwarePasskey } from "../support/software-passkey.ts";

const AT_SHOP = { origin: SHOP, rpId: "shop.example" };

/** The login that a binding token names. */
function loginOf(token: string): string {
  return parseBindingToken(token) ?? assert.fail("not of the form that it is written in");
}

async function stateOf({ tenant, identityId }: EmbeddedWorld, link: string): Promise<unknown> {
  const id = /credential-binding-jobs\/([0-9a-f]{16})/.exec(link)?.[1];
  return (await tenant.manage("GET", `/identities/${identityId}/credential-binding-jobs/${id}`)).json?.state;
}

/** Begins at a link, and sends what a browser at this origin makes. */
async function bindFrom(world: EmbeddedWorld, link: string, passkey = softwarePasskey(AT_SHOP)): Promise<Answer> {
  const { endpoint, token } = linkOf(world, link);
  const creation = await postJson(`${endpoint}:beginBinding`, { token });
  if (creation.status !== 200) return creation;
  const credential: unknown = JSON.parse(passkey.create(JSON.parse(creation.text)));
  return postJson(`${endpoint}:finishBinding`, { token, credential });
}

describe("a binding link at an application's own page", () => {
  test("makes one passkey of the page's host, and its job says how far it is", async () => {
    const world = await embeddedWorld();
    const link = await makeLink(world);
    const { endpoint, token } = linkOf(world, link);
    const creation = await postJson(`${endpoint}:beginBinding`, { token });
    assert.deepEqual(creation.json?.rp, { id: "shop.example", name: "Customers" });
    assert.equal(await stateOf(world, link), "REQUEST_DELIVERED");
    const bound = await bindFrom(world, link);
    assert.equal(bound.status, 200, bound.text);
    assert.equal(await stateOf(world, link), "COMPLETE");
    const { passkey } = JSON.parse(bound.text);
    assert.deepEqual([passkey.key_type, passkey.state, passkey.identity.id], ["webauthn", "ACTIVE", world.identityId]);
    assert.deepEqual(
      [passkey.tenant, passkey.realm].map((place) => place.display_name),
      ["Test tenant", "Customers"],
    );
    assertRefused(await bindFrom(world, link), 410, "invalid_request");
  });

  test("is worth nothing with another token, at another page, or of another origin's browser", async () => {
    const world = await embeddedWorld();
    const link = await makeLink(world);
    const { endpoint, token } = linkOf(world, link);
    const other = formatLinkToken(Buffer.alloc(32));
    assertRefused(await postJson(`${endpoint}:beginBinding`, { token: other }), 404, "invalid_request");
    assertRefused(await postJson(`${endpoint}:beginBinding`, { token: "x" }), 404, "invalid_request");
    const evil = { origin: "https://evil.example" };
    assertRefused(await postJson(`${endpoint}:beginBinding`, { token }, evil), 403, "invalid_request");
    const foreign = softwarePasskey({ ...AT_SHOP, origin: "https://evil.example" });
    assertRefused(await bindFrom(world, link, foreign), 400, "invalid_grant");
    assert.equal((await bindFrom(world, link)).status, 200);
  });

  test("leads where its job says, and is judged by the policy", async () => {
    const world = await embeddedWorld();
    const api = managementClient(world.tenant);
    const job = { delivery_method: "RETURN" as const, authenticator_config_id: world.configId };
    const led = { ...job, post_binding_redirect_uri: "https://shop.example/welcome" };
    const body = (settings: typeof job) => ({ identity: world.identityId, body: { job: settings } });
    const made = await succeed(api("CreateCredentialBindingJob", body(led)));
    const bound = await bindFrom(world, String(made.credential_binding_link));
    assert.equal(bound.json?.post_binding_redirect_uri, "https://shop.example/welcome");
    const policy = { rules: [], default_action: "DENY" as const };
    await succeed(api("CreatePolicy", { body: { policy } }));
    assertRefused(await bindFrom(world, await makeLink(world)), 403, "access_denied");
  });
});

describe("the token of a login by code", () => {
  test("gets its person one link, by which a passkey is made and used", async () => {
    const world = await embeddedWorld();
    const answer = await logInByCode(world, await beginEmbedded(world));
    const token = String(answer.json?.passkey_binding_token);
    assert.match(token, /^mayfly_bt_[\w-]{75}[0-9A-Za-z]{6}$/);
    const both = await Promise.all([1, 2].map(() => exchangeBindingToken(world, token)));
    assert.deepEqual(both.map(({ status }) => status).sort(), [200, 401]);
    const link = String(both.find(({ status }) => status === 200)?.json?.credential_binding_link);
    const passkey = await bindByLink(world, link);
    const login = await beginEmbedded(world);
    assert.equal((await logInByPasskey(world, login, passkey)).status, 200);
  });

  test("is not given to who has a passkey there: by mail alone nobody gets a second key", async () => {
    const world = await embeddedWorld();
    await bindPasskey(world);
    const answer = await logInByCode(world, await beginEmbedded(world));
    assert.deepEqual(Object.keys(answer.json ?? {}), ["redirect_url"]);
  });

  test("is over after ten minutes", async () => {
    const world = await embeddedWorld();
    const answer = await logInByCode(world, await beginEmbedded(world));
    await world.tenant.advance(601);
    assertRefused(await exchangeBindingToken(world, answer.json?.passkey_binding_token), 401, "invalid_token");
  });

  const FORBIDDEN: readonly (readonly [string, (world: EmbeddedWorld, token: string) => Promise<Answer>])[] = [
    [
      "at another application",
      async (world, token) => exchangeBindingToken(await embeddedWorld({ tenant: world.tenant }), token),
    ],
    ["of another tenant", async (_, token) => exchangeBindingToken(await embeddedWorld(), token)],
    ["that is none", (world) => exchangeBindingToken(world, "x")],
    [
      "with another secret",
      (world, token) => exchangeBindingToken(world, formatBindingToken(loginOf(token), Buffer.alloc(32))),
    ],
    [
      "of a person who was suspended",
      async (world, token) => {
        await world.tenant.manage("PATCH", `/identities/${world.identityId}`, { identity: { status: "suspended" } });
        return exchangeBindingToken(world, token);
      },
    ],
  ];
  for (const [name, attempt] of FORBIDDEN) {
    test(`is worth nothing ${name}`, async () => {
      const world = await embeddedWorld();
      const answer = await logInByCode(world, await beginEmbedded(world));
      const refused = await attempt(world, String(answer.json?.passkey_binding_token));
      assertRefused(refused, 401, "invalid_token");
      assert.match(refused.headers.get("www-authenticate") ?? "", /^Bearer /);
    });
  }

  test("is taken from trusted pages only", async () => {
    const world = await embeddedWorld();
    const answer = await logInByCode(world, await beginEmbedded(world));
    const token = answer.json?.passkey_binding_token;
    assertRefused(await exchangeBindingToken(world, token, { origin: "https://evil.example" }), 403, "invalid_request");
    const taken = await exchangeBindingToken(world, token);
    assert.deepEqual([taken.status, taken.headers.get("access-control-allow-origin")], [200, SHOP]);
  });
});
