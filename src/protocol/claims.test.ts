import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CLAIM_NAMES, type Person, selectClaims, userinfoClaims } from "./claims.ts";

const EMPTY: Person = {
  displayName: "Ada",
  traits: {},
  emailVerified: false,
  phoneVerified: false,
  updatedAt: 1_760_000_000,
};
const FULL: Person = {
  displayName: "Ada",
  traits: {
    type: "traits_v0",
    username: "ada",
    formatted_name: "Ada King, Countess of Lovelace",
    family_name: "King",
    given_name: "Ada",
    middle_name: "Augusta",
    nick_name: "Countess",
    primary_email_address: "ada@example.com",
    primary_phone: "+44 20 7946 0000",
    profile_url: "https://example.com/ada",
    photo: "https://example.com/ada.png",
    locale: "en-GB",
    preferred_language: "en",
    timezone: "Europe/London",
    formatted_address: "12 St James's Square\nLondon",
    street_address: "12 St James's Square",
    locality: "London",
    region: "London",
    postal_code: "SW1Y 4JH",
    country: "UK",
  },
  emailVerified: true,
  phoneVerified: false,
  updatedAt: 1_760_000_000.7,
};
const ALL = ["openid", "profile", "email", "phone", "address"];

test("every scope gives its claims of OIDC Core section 5.4", () => {
  assert.deepEqual(selectClaims(FULL, { scope: ["openid", "profile"] }, "id_token"), {
    name: "Ada King, Countess of Lovelace",
    family_name: "King",
    given_name: "Ada",
    middle_name: "Augusta",
    nickname: "Countess",
    preferred_username: "ada",
    profile: "https://example.com/ada",
    picture: "https://example.com/ada.png",
    zoneinfo: "Europe/London",
    locale: "en-GB",
    updated_at: 1_760_000_000,
  });
  assert.deepEqual(selectClaims(FULL, { scope: ["email"] }, "id_token"), {
    email: "ada@example.com",
    email_verified: true,
  });
  assert.deepEqual(selectClaims(FULL, { scope: ["phone"] }, "id_token"), {
    phone_number: "+44 20 7946 0000",
    phone_number_verified: false,
  });
  assert.deepEqual(selectClaims(FULL, { scope: ["address"] }, "id_token"), {
    address: {
      formatted: "12 St James's Square\nLondon",
      street_address: "12 St James's Square",
      locality: "London",
      region: "London",
      postal_code: "SW1Y 4JH",
      country: "UK",
    },
  });
  assert.deepEqual(selectClaims(FULL, { scope: ["openid", "offline_access"] }, "id_token"), {});
});

test("unset and blank traits are omitted, an empty address and the verified marks of nothing too (rule 32)", () => {
  const blank = Object.fromEntries(
    Object.keys(FULL.traits).map((name, index) => [name, ["", "  ", null, "\n"][index % 4]]),
  );
  for (const person of [EMPTY, { ...FULL, displayName: "Ada", traits: blank }]) {
    assert.deepEqual(selectClaims(person, { scope: ALL }, "id_token"), { name: "Ada", updated_at: 1_760_000_000 });
  }
  const { address } = selectClaims(
    { ...EMPTY, traits: { country: "UK", locality: " " } },
    { scope: ["address"] },
    "userinfo",
  );
  assert.deepEqual(address, { country: "UK" });
});

test("no claim is ever blank, null or of another type, whatever the traits hold", () => {
  const anyTrait = fc.oneof(
    fc.string({ unit: fc.constantFrom("", " ", "x", "\t") }),
    fc.constant(null),
    fc.integer(),
    fc.object(),
  );
  fc.assert(
    fc.property(
      fc.record(Object.fromEntries(Object.keys(FULL.traits).map((name) => [name, anyTrait])), { requiredKeys: [] }),
      (traits) => {
        for (const [claim, value] of Object.entries(selectClaims({ ...FULL, traits }, { scope: ALL }, "userinfo"))) {
          if (claim.endsWith("_verified")) assert.equal(typeof value, "boolean");
          else if (claim === "address") assert.ok(Object.keys(value).length > 0);
          else if (claim === "updated_at") assert.ok(Number.isInteger(value));
          else assert.ok(typeof value === "string" && value.trim() !== "", claim);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("a verified mark is a boolean wherever its address is there", () => {
  for (const emailVerified of [true, false]) {
    assert.equal(
      selectClaims({ ...FULL, emailVerified }, { scope: ["email"] }, "userinfo").email_verified,
      emailVerified,
    );
  }
});

test("claims asked for by name are given without their scope, and no others", () => {
  assert.deepEqual(selectClaims(FULL, { scope: ["openid"], names: ["email", "unknown"] }, "id_token"), {
    email: "ada@example.com",
  });
});

test("userinfo says sub always, and display_name under profile (reference 6 #20)", () => {
  assert.deepEqual(userinfoClaims("s1", FULL, { scope: ["openid"] }), { sub: "s1" });
  const claims = userinfoClaims("s1", EMPTY, { scope: ["openid", "profile"] });
  assert.deepEqual(claims, { sub: "s1", name: "Ada", display_name: "Ada", updated_at: 1_760_000_000 });
  assert.equal("display_name" in selectClaims(EMPTY, { scope: ["profile"] }, "id_token"), false);
});

test("every claim is advertised once, aliases are not", () => {
  assert.equal(new Set(CLAIM_NAMES).size, CLAIM_NAMES.length);
  assert.deepEqual([...CLAIM_NAMES].toSorted(), Object.keys(selectClaims(FULL, { scope: ALL }, "id_token")).toSorted());
});
