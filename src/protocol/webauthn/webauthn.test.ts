import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ACR_VALUES, isAnyAcrReachable, meetsAnyAcr, reachableAcrs } from "../acr.ts";
import { coseOfJwk, isSoundKey, jwkOfCose } from "./cose-key.ts";
import { passkeyPolicyOf } from "./passkey-methods.ts";
import { relyingPartyOf } from "./relying-party.ts";
import { readAuthenticationResponse, readRegistrationResponse } from "./responses.ts";
import { userHandleOf } from "./user-handle.ts";

describe("whose passkeys an authenticator uses", () => {
  const HOSTED = { type: "hosted_web" };
  const embedded = (invoke_url: string, trusted_origins: string[]) => ({
    type: "embedded",
    invoke_url,
    trusted_origins,
  });

  test("those of the public URL's host on our own pages", () => {
    const found = relyingPartyOf(HOSTED, "https://login.example.com:8443");
    assert.deepEqual(found, { id: "login.example.com", origins: ["https://login.example.com:8443"] });
    assert.deepEqual(relyingPartyOf(HOSTED, "http://localhost:8021")?.id, "localhost");
  });

  test("nobody's at an IP address: WebAuthn has no such relying party", () => {
    for (const url of ["http://127.0.0.1:8021", "http://[::1]:8021"])
      assert.equal(relyingPartyOf(HOSTED, url), undefined);
  });

  test("those of the invoke URL's host on an application's pages, and of trusted origins at or below it alone", () => {
    const origins = ["https://shop.example", "https://app.shop.example", "https://evilshop.example", "https://example"];
    const found = relyingPartyOf(embedded("https://shop.example/login?x=1", origins), "https://login.example.com");
    assert.deepEqual(found, { id: "shop.example", origins: ["https://shop.example", "https://app.shop.example"] });
  });

  test("those of the first trusted origin where an application is invoked by a scheme of its own", () => {
    const found = relyingPartyOf(embedded("com.example.app://login", ["https://shop.example"]), "https://x.example");
    assert.deepEqual(found, { id: "shop.example", origins: ["https://shop.example"] });
    assert.equal(relyingPartyOf(embedded("com.example.app://login", []), "https://x.example"), undefined);
  });
});

describe("how passkeys are asked for", () => {
  test("a hardware passkey is kept by the device and knows its person, unless the config says where", () => {
    assert.deepEqual(passkeyPolicyOf([{ type: "webauthn_passkey" }]), {
      ...{ userVerification: "required", attachment: "platform" },
    });
    const roaming = { type: "webauthn_passkey", authenticator_attachment: "cross-platform" } as const;
    assert.equal(passkeyPolicyOf([roaming])?.attachment, "cross-platform");
  });

  test("fido2 takes any, and with both no more is asked than either asks", () => {
    const any = { userVerification: "preferred", attachment: undefined };
    assert.deepEqual(passkeyPolicyOf([{ type: "fido2" }]), any);
    assert.deepEqual(passkeyPolicyOf([{ type: "fido2" }, { type: "webauthn_passkey" }]), any);
  });

  test("not at all by other methods", () => {
    assert.equal(passkeyPolicyOf([{ type: "email_one_time_password" }, { type: "software_passkey" }]), undefined);
  });
});

const PLAIN = { noNullPrototype: true };

describe("keys", () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 64 }).map((value) => Buffer.from(value).toString("base64url"));
  const jwk = fc.oneof(
    fc.record(
      { kty: fc.constant("EC"), crv: fc.constant("P-256"), x: bytes, y: bytes, alg: fc.constant("ES256") },
      PLAIN,
    ),
    fc.record({ kty: fc.constant("OKP"), crv: fc.constant("Ed25519"), x: bytes, alg: fc.constant("EdDSA") }, PLAIN),
    fc.record({ kty: fc.constant("RSA"), n: bytes, e: bytes, alg: fc.constant("RS256") }, PLAIN),
  );

  test("are the same as COSE and as JWK", () => {
    fc.assert(fc.property(jwk, (key) => assert.deepEqual(jwkOfCose(coseOfJwk(key)), key)));
  });

  test("of other algorithms, curves and types are none", () => {
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const cose = coseOfJwk({ ...publicKey.export({ format: "jwk" }), alg: "ES256" });
    for (const [label, value] of [
      [1, 3],
      [3, -35],
      [-1, 2],
      [-2, "x"],
    ] as const) {
      assert.equal(jwkOfCose(new Map<number, unknown>(cose).set(label, value)), undefined, String(label));
    }
    assert.throws(() => coseOfJwk({ kty: "EC", alg: "ES512" }), RangeError);
  });

  test("that are no point of their curve, or an RSA key that is too short, too long or signs for everybody, are not sound", () => {
    const jwkOf = ({ publicKey }: { readonly publicKey: KeyObject }) => ({ ...publicKey.export({ format: "jwk" }) });
    const ec = jwkOf(generateKeyPairSync("ec", { namedCurve: "P-256" }));
    const rsa = jwkOf(generateKeyPairSync("rsa", { modulusLength: 2_048 }));
    for (const key of [ec, rsa, jwkOf(generateKeyPairSync("ed25519"))]) assert.equal(isSoundKey(key), true);
    const ones = (length: number): string => Buffer.alloc(length, 255).toString("base64url");
    for (const key of [
      { ...ec, y: ec.x },
      { ...ec, x: ones(3) },
      { kty: "OKP", crv: "Ed25519", x: ones(31) },
      { ...rsa, n: ones(128) },
      { ...rsa, n: ones(4_096) },
      { ...rsa, e: "AQ" },
      { kty: "RSA", n: "", e: "" },
    ]) {
      assert.equal(isSoundKey(key), false, JSON.stringify(key).slice(0, 100));
    }
  });
});

test("a person's handle is 32 bytes, always the same, and another one for each person, realm and tenant", () => {
  const person = { tenantId: "a", realmId: "b", identityId: "c" };
  const handles = [person, { ...person, tenantId: "x" }, { ...person, realmId: "x" }, { ...person, identityId: "x" }];
  assert.equal(new Set(handles.map((one) => userHandleOf(one).toString("hex"))).size, 4);
  assert.deepEqual(userHandleOf(person), userHandleOf(person));
  assert.equal(userHandleOf(person).length, 32);
});

test("whatever a browser sends is an answer of ours or none, and never throws", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      for (const read of [readRegistrationResponse, readAuthenticationResponse]) {
        const response = read(text);
        if (response !== undefined) assert.equal(response.type, "public-key");
      }
    }),
  );
  assert.equal(readAuthenticationResponse(undefined), undefined);
  assert.equal(readAuthenticationResponse(`"${"x".repeat(70_000)}"`), undefined);
});

describe("classes", () => {
  test("are reached by the methods that end in them", () => {
    assert.deepEqual(reachableAcrs([{ type: "email_one_time_password" }]), ["mayfly:1"]);
    assert.deepEqual(reachableAcrs([{ type: "webauthn_passkey" }]), ["mayfly:3"]);
    assert.deepEqual(reachableAcrs([{ type: "fido2" }, { type: "email_one_time_password" }]), ACR_VALUES);
    assert.deepEqual(reachableAcrs([{ type: "software_passkey" }]), []);
  });

  test("meet those below them, and unknown ones meet and are met by nothing", () => {
    const acr = fc.constantFrom(...ACR_VALUES, "urn:other");
    fc.assert(
      fc.property(acr, fc.array(acr), (reached, wanted) => {
        const known = wanted.filter((one) => ACR_VALUES.includes(one));
        const expected = known.some((one) => ACR_VALUES.indexOf(one) <= ACR_VALUES.indexOf(reached));
        assert.equal(meetsAnyAcr(reached, wanted), expected);
        assert.equal(isAnyAcrReachable(wanted, [reached]), expected);
      }),
    );
  });
});
