import assert from "node:assert/strict";
import { randomBytes, sign, X509Certificate } from "node:crypto";
import { describe, test } from "node:test";
import { sha256 } from "../../src/platform/hash.ts";
import type { LoginMethod } from "../../src/resources/authorization-request/schema.ts";
import type { Answer } from "../support/http.ts";
import { decodeJwt } from "../support/jwt.ts";
import { decisionOf, mailsOf } from "../support/login-flow.ts";
import { selfSignedCertificate } from "../support/self-signed-certificate.ts";
import {
  type Change,
  passkeyOptionsOn,
  type SoftwarePasskey,
  type SoftwarePasskeyOptions,
  softwarePasskey,
} from "../support/software-passkey.ts";
import { locationOf, type TestLogin, testLogin } from "../support/test-browser.ts";
import { type TestApplication, type TestTenant, testTenant } from "../support/test-tenant.ts";

const EMAIL = "ada@example.com";
const BOTH: readonly LoginMethod[] = ["email_one_time_password", "webauthn_passkey"];

interface World {
  readonly tenant: TestTenant;
  readonly application: TestApplication;
  readonly identityId: string;
  readonly passkey: SoftwarePasskey;
}

async function addApplication(tenant: TestTenant, methods: readonly LoginMethod[]): Promise<TestApplication> {
  return tenant.addApplication({
    authenticator_config_id: await tenant.addAuthenticatorConfig(methods),
    protocol_config: {
      type: "oidc",
      grant_type: ["authorization_code"],
      redirect_uris: ["https://client.example/callback"],
      pkce: "s256",
      token_configuration: { expires_after: 3_600 },
    },
  });
}

/** A person who has a passkey, made after a code. */
async function world(
  options: { methods?: readonly LoginMethod[]; passkey?: Partial<SoftwarePasskeyOptions> } = {},
): Promise<World> {
  const { methods = BOTH, passkey: own = {} } = options;
  const tenant = await testTenant();
  const identityId = await tenant.addIdentity(EMAIL);
  const application = await addApplication(tenant, methods);
  const passkey = softwarePasskey({ origin: tenant.server.deps.config.publicUrl, ...own });
  const login = await testLogin(tenant, application);
  await login.logIn(EMAIL);
  const offer = await login.browser.open(login.url);
  const made = await login.submit("create", { credential: passkey.create(passkeyOptionsOn(offer, "creation")) });
  assert.equal(made.status, 303, made.text);
  assert.ok((await login.finish(made)).searchParams.has("code"));
  return { tenant, application, identityId, passkey };
}

/** Answers the page of a login with the passkey. */
async function usePasskey(login: TestLogin, passkey: SoftwarePasskey, change?: Change): Promise<Answer> {
  const options = passkeyOptionsOn(await login.browser.open(login.url), "request");
  return login.submit("passkey", { credential: passkey.get(options, change) });
}

/** The claims of the ID token that a finished login gives. */
async function idTokenOf({ tenant }: World, application: TestApplication, login: TestLogin, answer: Answer) {
  const back = await login.finish(answer);
  const code = back.searchParams.get("code");
  assert.ok(code, back.href);
  const form = { grant_type: "authorization_code", code, redirect_uri: "https://client.example/callback" };
  const tokens = await tenant.token(application, { ...form, code_verifier: login.verifier });
  return decodeJwt(String(tokens.json?.id_token));
}

describe("a login by passkey", () => {
  test("names the person, and says how it was proved", async () => {
    const at = await world();
    const login = await testLogin(at.tenant, at.application);
    const claims = await idTokenOf(at, at.application, login, await usePasskey(login, at.passkey));
    assert.equal(claims.sub, at.identityId);
    assert.deepEqual(claims.amr, ["hwk", "user"]);
    assert.equal(claims.acr, "mayfly:3");
  });

  test("says of a key that is copied between devices that it is software, and of one that knew nobody so", async () => {
    const own = { isBackedUp: true, isUserVerified: false };
    const at = await world({ methods: ["email_one_time_password", "fido2"], passkey: own });
    const login = await testLogin(at.tenant, at.application);
    const claims = await idTokenOf(at, at.application, login, await usePasskey(login, at.passkey));
    assert.deepEqual(claims.amr, ["swk", "user"]);
    assert.equal(claims.acr, "mayfly:2");
  });

  const WRONG: readonly (readonly [string, Change])[] = [
    ["another challenge", { clientData: { challenge: "A".repeat(43) } }],
    ["another origin", { clientData: { origin: "https://evil.example" } }],
    ["another relying party", { rpId: "evil.example" }],
    ["the other ceremony", { clientData: { type: "webauthn.create" } }],
    ["another site's frame", { clientData: { crossOrigin: true, topOrigin: "https://evil.example" } }],
    ["nobody there", { isUserPresent: false }],
    ["another person's handle", { userHandle: Buffer.alloc(32).toString("base64url") }],
    ["nobody's handle", { userHandle: undefined }],
    ["a key that was none to be copied and now is", { isBackedUp: true }],
    ["a count that does not go up", { signCount: 0 }],
  ];
  for (const [name, change] of WRONG) {
    test(`is refused with ${name}, and the login goes on`, async () => {
      const at = await world();
      const first = await testLogin(at.tenant, at.application);
      await first.finish(await usePasskey(first, at.passkey));
      const login = await testLogin(at.tenant, at.application);
      const refused = await usePasskey(login, at.passkey, change);
      assert.equal(refused.status, 400);
      assert.match(refused.text, /This passkey does not work here/);
      assert.ok((await login.finish(await usePasskey(login, at.passkey))).searchParams.has("code"));
    });
  }

  test("is taken of a key that is copied though its count goes back, and the decision tells of it", async () => {
    const at = await world({ methods: ["email_one_time_password", "fido2"], passkey: { isBackedUp: true } });
    const facts: unknown[] = [];
    for (const signCount of [5, 3]) {
      const login = await testLogin(at.tenant, at.application);
      const { facts: told } = await decisionOf(at.tenant, await usePasskey(login, at.passkey, { signCount }));
      facts.push([told.sign_count, told.sign_count_before]);
    }
    assert.deepEqual(facts, [
      [5, undefined],
      [3, 5],
    ]);
  });

  test("is refused with a passkey that does not know its person where it must", async () => {
    const at = await world({ methods: ["email_one_time_password", "fido2"], passkey: { isUserVerified: false } });
    const strict = await addApplication(at.tenant, ["webauthn_passkey"]);
    const login = await testLogin(at.tenant, strict);
    assert.equal((await usePasskey(login, at.passkey)).status, 400);
  });

  test("answers each challenge once: what was sent is worth nothing in the next login", async () => {
    const at = await world();
    const login = await testLogin(at.tenant, at.application);
    const options = passkeyOptionsOn(await login.browser.open(login.url), "request");
    const credential = at.passkey.get(options);
    const twice = await Promise.all([1, 2].map(() => login.submit("passkey", { credential })));
    const backs = await Promise.all(twice.map((answer) => (answer.status === 303 ? locationOf(answer).pathname : "")));
    assert.ok(backs.some((path) => path.endsWith("/authorize/complete")));
    const next = await testLogin(at.tenant, at.application);
    assert.equal((await next.submit("passkey", { credential })).status, 400);
  });

  for (const [name, forbid] of [
    [
      "a revoked passkey",
      async ({ tenant, identityId }: World) => {
        const listed = await tenant.manage("GET", `/identities/${identityId}/credentials`);
        const id = /"id":"([0-9a-f]{16})"/.exec(listed.text)?.[1];
        return tenant.manage("POST", `/identities/${identityId}/credentials/${id}:revoke`);
      },
    ],
    [
      "a suspended person",
      ({ tenant, identityId }: World) =>
        tenant.manage("PATCH", `/identities/${identityId}`, { identity: { status: "suspended" } }),
    ],
    ["a deleted person", ({ tenant, identityId }: World) => tenant.manage("DELETE", `/identities/${identityId}`)],
  ] as const) {
    test(`is refused with ${name}, at once and in the same words`, async () => {
      const at = await world();
      const login = await testLogin(at.tenant, at.application);
      const options = passkeyOptionsOn(await login.browser.open(login.url), "request");
      const done = await forbid(at);
      assert.ok(done.status < 300, done.text);
      const refused = await login.submit("passkey", { credential: at.passkey.get(options) });
      assert.equal(refused.status, 400);
      assert.match(refused.text, /This passkey does not work here/);
    });
  }

  test("is no login in another realm or tenant", async () => {
    const at = await world();
    const other = await testTenant();
    const application = await addApplication(other, BOTH);
    const login = await testLogin(other, application);
    assert.equal((await usePasskey(login, at.passkey)).status, 400);
  });

  test("is refused with what is no answer of a browser", async () => {
    const at = await world();
    const login = await testLogin(at.tenant, at.application);
    const { id } = at.passkey;
    const response = { clientDataJSON: "e30", authenticatorData: "AA", signature: "AA" };
    for (const credential of [
      "",
      "{",
      "null",
      "[]",
      '"x"',
      "{}",
      JSON.stringify({ id }),
      JSON.stringify({ id, rawId: id, type: "public-key", response }),
    ]) {
      assert.equal((await login.submit("passkey", { credential })).status, 400, credential);
    }
  });
});

describe("which logins an application takes", () => {
  test("a session that a code began is no way into an application that takes passkeys only, and a passkey's is into both", async () => {
    const at = await world();
    const strict = await addApplication(at.tenant, ["webauthn_passkey"]);
    const byMail = await testLogin(at.tenant, at.application);
    await byMail.finish(await byMail.logIn(EMAIL));
    const login = await testLogin(at.tenant, strict, { browser: byMail.browser });
    assert.doesNotMatch((await login.browser.open(login.url)).text, /name="email"/);
    assert.equal((await login.submit("send", { email: EMAIL })).status, 303, "a way that is not allowed moves nothing");
    assert.match((await login.browser.open(login.url)).text, /data-passkey-request/);
    assert.ok((await login.finish(await usePasskey(login, at.passkey))).searchParams.has("code"));
    await assert.rejects(testLogin(at.tenant, at.application, { browser: login.browser }), /not a login page/);
  });

  test("a class that is asked for is worth another login, and an essential one leaves only its ways", async () => {
    const at = await world();
    const first = await testLogin(at.tenant, at.application);
    await first.finish(await first.logIn(EMAIL));
    const { browser } = first;
    const wished = await testLogin(at.tenant, at.application, { browser, parameters: { acr_values: "mayfly:3" } });
    assert.match((await browser.open(wished.url)).text, /name="email"/);
    const claims = JSON.stringify({ id_token: { acr: { essential: true, values: ["mayfly:3"] } } });
    const login = await testLogin(at.tenant, at.application, { browser, parameters: { claims } });
    assert.doesNotMatch((await browser.open(login.url)).text, /name="email"/);
    const answer = await usePasskey(login, at.passkey);
    assert.equal((await idTokenOf(at, at.application, login, answer)).acr, "mayfly:3");
  });
});

describe("a passkey after a code", () => {
  test("is told of by mail, and logging in with it is not", async () => {
    const at = await world();
    const login = await testLogin(at.tenant, at.application, { parameters: { prompt: "login" } });
    assert.ok((await login.finish(await usePasskey(login, at.passkey))).searchParams.has("code"));
    const subjects = (await mailsOf(at.tenant)).map(({ subject }) => subject);
    const added = "A passkey was added to your account at Customers";
    assert.deepEqual(subjects.toSorted(), [added, "Your sign-in code for App"]);
  });

  test("is not asked for twice, and need not be made", async () => {
    const tenant = await testTenant();
    await tenant.addIdentity(EMAIL);
    const application = await addApplication(tenant, BOTH);
    const login = await testLogin(tenant, application);
    await login.logIn(EMAIL);
    assert.match((await login.browser.open(login.url)).text, /data-passkey-creation/);
    assert.ok((await login.finish(await login.submit("later"))).searchParams.has("code"));
    const at = await world();
    const again = await testLogin(at.tenant, at.application);
    assert.ok((await again.finish(await again.logIn(EMAIL))).searchParams.has("code"));
  });

  test("keeps nobody of whom the client wants a login so new that it might grow too old meanwhile", async () => {
    const tenant = await testTenant();
    await tenant.addIdentity(EMAIL);
    const application = await addApplication(tenant, BOTH);
    for (const [max_age, isOffered] of [
      ["599", false],
      ["600", true],
      ["0", true],
    ] as const) {
      const login = await testLogin(tenant, application, { parameters: { max_age } });
      const isAtPages = locationOf(await login.logIn(EMAIL)).pathname.startsWith("/authenticator/");
      assert.equal(isAtPages, isOffered, max_age);
    }
  });

  test("is refused where it was made for something else, and the person may try again", async () => {
    const tenant = await testTenant();
    const identityId = await tenant.addIdentity(EMAIL);
    const application = await addApplication(tenant, BOTH);
    const login = await testLogin(tenant, application);
    await login.logIn(EMAIL);
    const options = passkeyOptionsOn(await login.browser.open(login.url), "creation");
    const passkey = softwarePasskey({ origin: tenant.server.deps.config.publicUrl });
    const wrong = passkey.create(options, { clientData: { challenge: "A".repeat(43) } });
    assert.equal((await login.submit("create", { credential: wrong })).status, 400);
    assert.equal((await login.submit("create", { credential: passkey.create(options) })).status, 303);
    const listed = await tenant.manage("GET", `/identities/${identityId}/credentials`);
    assert.equal(listed.json?.total_size, 1);
  });

  test("is refused with an id that is none, however long, and with whoever vouches for it by certificates", async () => {
    const { cert, key } = selfSignedCertificate("key.example");
    const x5c = [Uint8Array.from(new X509Certificate(cert).raw)];
    // WebAuthn Level 3 §8.6: right in everything, so that nothing but its being there can be refused.
    const vouched: NonNullable<Change["attest"]> = ({ authData, clientData, id, publicKey }) => {
      const { x = "", y = "" } = publicKey.export({ format: "jwk" });
      const point = Buffer.concat([Buffer.from([4]), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
      const parts = [Buffer.from([0]), authData.slice(0, 32), sha256(clientData), id, point];
      const sig = Uint8Array.from(sign("sha256", Buffer.concat(parts), key));
      return ["fido-u2f", new Map<string, Uint8Array | Uint8Array[]>(Object.entries({ sig, x5c }))];
    };
    const own: NonNullable<Change["attest"]> = ({ authData, clientData, privateKey }) => {
      const sig = Uint8Array.from(sign("sha256", Buffer.concat([authData, sha256(clientData)]), privateKey));
      return ["packed", new Map<string, number | Uint8Array>([["alg", -7] as const, ["sig", sig] as const])];
    };
    const tenant = await testTenant();
    const identityId = await tenant.addIdentity(EMAIL);
    const login = await testLogin(tenant, await addApplication(tenant, BOTH));
    await login.logIn(EMAIL);
    const options = passkeyOptionsOn(await login.browser.open(login.url), "creation");
    const passkey = softwarePasskey({ origin: tenant.server.deps.config.publicUrl });
    for (const change of [
      { id: randomBytes(0) },
      { id: randomBytes(1_024) },
      { id: randomBytes(8_000) },
      { attest: vouched },
    ]) {
      const refused = await login.submit("create", { credential: passkey.create(options, change) });
      assert.equal(refused.status, 400, refused.text);
    }
    const longest = { id: randomBytes(1_023), attest: own };
    assert.equal((await login.submit("create", { credential: passkey.create(options, longest) })).status, 303);
    assert.equal((await tenant.manage("GET", `/identities/${identityId}/credentials`)).json?.total_size, 1);
  });

  test("is not made for somebody who was suspended meanwhile", async () => {
    const tenant = await testTenant();
    const identityId = await tenant.addIdentity(EMAIL);
    const login = await testLogin(tenant, await addApplication(tenant, BOTH));
    await login.logIn(EMAIL);
    const options = passkeyOptionsOn(await login.browser.open(login.url), "creation");
    const suspended = await tenant.manage("PATCH", `/identities/${identityId}`, { identity: { status: "suspended" } });
    assert.equal(suspended.status, 200, suspended.text);
    const credential = softwarePasskey({ origin: tenant.server.deps.config.publicUrl }).create(options);
    const back = await login.finish(await login.submit("create", { credential }));
    assert.equal(back.searchParams.get("error"), "access_denied");
    assert.equal((await tenant.manage("GET", `/identities/${identityId}/credentials`)).json?.total_size, 0);
  });

  test("is the end of no login that the policy has come to deny meanwhile, with one or without", async () => {
    const tenant = await testTenant();
    const identityId = await tenant.addIdentity(EMAIL);
    const application = await addApplication(tenant, BOTH);
    const passkey = softwarePasskey({ origin: tenant.server.deps.config.publicUrl });
    const logins = [await testLogin(tenant, application), await testLogin(tenant, application)];
    for (const login of logins) await login.logIn(EMAIL);
    const rule = { id: "closed", match: { transaction_types: ["authentication"] }, action: "DENY" };
    const set = await tenant.manage("POST", "/policy-v1", { policy: { rules: [rule], default_action: "ALLOW" } });
    assert.ok(set.status < 300, set.text);
    const [one, other] = logins;
    assert.ok(one && other);
    const credential = passkey.create(passkeyOptionsOn(await one.browser.open(one.url), "creation"));
    assert.equal((await one.submit("create", { credential })).status, 403);
    assert.equal((await other.submit("later")).status, 403);
    assert.equal((await tenant.manage("GET", `/identities/${identityId}/credentials`)).json?.total_size, 0);
  });

  test("belongs to one account: a second one cannot have the same", async () => {
    const at = await world();
    await at.tenant.addIdentity("eve@example.com");
    const login = await testLogin(at.tenant, at.application);
    await login.logIn("eve@example.com");
    const options = passkeyOptionsOn(await login.browser.open(login.url), "creation");
    const refused = await login.submit("create", { credential: at.passkey.create(options) });
    assert.equal(refused.status, 400);
    assert.match(refused.text, /belongs to an account here already/);
  });
});
