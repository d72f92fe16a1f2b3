import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier, expressVerifier, fastifyVerifier, type VerifierOptions } from "./verifier.ts";

// What plain JavaScript passes: an environment variable that is not set, a number that is none, a misspelt word. Nothing answers at the port.

const PLACE = "http://127.0.0.1:1/v1/tenants/00000000000000ac/realms";
const GOOD = { issuer: `${PLACE}/00000000000000ae`, audience: "urn:shoes" };
const FEED = { authorization: "Basic x" };

function make(options: unknown): unknown {
  return Reflect.apply(createVerifier, undefined, [options]);
}

function assertRefused(options: unknown, message: RegExp): void {
  assert.throws(
    () => make(options),
    (error) => error instanceof TypeError && message.test(error.message),
    `${message}`,
  );
}

test("a verifier is made of options that hold, and of those that are not there", () => {
  const good: VerifierOptions[] = [
    GOOD,
    { ...GOOD, issuer: [`${GOOD.issuer}/applications/1`, `${GOOD.issuer}/applications/2`] },
    { ...GOOD, issuer: ["https://id.example", "https://id.example"] },
    { ...GOOD, issuer: "https://id.example", keysUrl: "http://inside:8021/keys", clockToleranceSeconds: 300 },
    { ...GOOD, issuer: "https://id.example", feed: { ...FEED, url: "http://127.0.0.1:1/feed", whenStale: "accept" } },
    { ...GOOD, feed: { authorization: () => "Bearer x", staleAfterSeconds: 1, onError: () => undefined } },
  ];
  for (const options of good) createVerifier(options).close();
});

test("whose tokens are accepted, and for whom, is said", () => {
  for (const options of [undefined, null, "x", []]) assertRefused(options, /^the options must be an object/);
  for (const audience of [undefined, null, "", 5, ["urn:shoes"]])
    assertRefused({ ...GOOD, audience }, /^audience must be a string that is not empty$/);
  for (const issuer of [undefined, null, "", [], [undefined], "id.example", "ftp://id.example", [GOOD.issuer, ""]])
    assertRefused({ ...GOOD, issuer }, /^issuer must be one or more http or https URLs$/);
  for (const keysUrl of [null, "", "/keys"]) assertRefused({ ...GOOD, keysUrl }, /^keysUrl must be/);
});

test("issuers are of one realm: a feed and keys are one realm's", () => {
  const issuer = [GOOD.issuer, `${PLACE}/00000000000000af`];
  const pathless = ["https://a.example", "https://b.example"];
  for (const more of [{}, { feed: FEED }, { feed: { ...FEED, url: "http://127.0.0.1:1/feed" } }])
    for (const mixed of [issuer, pathless, [GOOD.issuer, "https://a.example"]])
      assertRefused({ ...GOOD, issuer: mixed, ...more }, /^issuer must be of one realm, or one where/);
  assertRefused({ ...GOOD, issuer: "https://id.example", feed: FEED }, /^feed.url must be .* no realm in its path$/);
});

test("a misspelt option is not passed over", () => {
  assertRefused({ ...GOOD, feeds: FEED }, /^the options must be an object without feeds: there are issuer, /);
  assertRefused({ ...GOOD, feed: { ...FEED, when_stale: "refuse" } }, /^feed must be an object without when_stale/);
});

test("clocks run, and differ by five minutes at most", async () => {
  for (const clockToleranceSeconds of [Number.NaN, Number.POSITIVE_INFINITY, -1, 301, "60", null])
    assertRefused({ ...GOOD, clockToleranceSeconds }, /^clockToleranceSeconds must be a number from 0 to 300$/);
  for (const name of ["nowSeconds", "monotonicMs", "onError"])
    for (const value of [null, 1_790_000_000])
      assertRefused({ ...GOOD, [name]: value }, new RegExp(`^${name} must be a function$`));
  for (const seconds of [Number.NaN, Number.POSITIVE_INFINITY, 1e15]) {
    const verifier = createVerifier({ ...GOOD, nowSeconds: () => seconds });
    await assert.rejects(verifier.verify("x"), /what nowSeconds gives must be seconds since 1970/);
  }
});

test("a feed that says nothing does not go unnoticed", () => {
  const withFeed = (feed: unknown) => ({ ...GOOD, feed });
  for (const feed of [undefined, null, false, "Basic x", []]) assertRefused(withFeed(feed), /^feed must be an object/);
  for (const authorization of [undefined, null, ""])
    assertRefused(withFeed({ authorization }), /^feed.authorization must be/);
  for (const url of [null, "", "/revocations:feed"]) assertRefused(withFeed({ ...FEED, url }), /^feed.url must be/);
  for (const staleAfterSeconds of [Number.NaN, Number.POSITIVE_INFINITY, 0, -1, 86_401, "10", null])
    assertRefused(
      withFeed({ ...FEED, staleAfterSeconds }),
      /^feed.staleAfterSeconds must be a number from 1 to 86400$/,
    );
  for (const whenStale of ["Refuse", "deny", "", null, true])
    assertRefused(withFeed({ ...FEED, whenStale }), /^feed.whenStale must be "refuse" or "accept"$/);
  assertRefused(withFeed({ ...FEED, onError: "log" }), /^feed.onError must be a function$/);
});

test("a route's scopes are a list of scopes, and not lost on their way", () => {
  const verifier = createVerifier(GOOD);
  for (const guard of [expressVerifier, fastifyVerifier]) {
    guard(verifier);
    guard(verifier, { scopes: ["shoes:read"] });
    for (const demanded of [
      undefined,
      null,
      "shoes:read",
      ["shoes:read"],
      { scope: ["shoes:read"] },
      { scopes: undefined },
      { scopes: "shoes:read" },
      { scopes: [undefined] },
      { scopes: ["shoes:read shoes:write"] },
    ])
      assert.throws(() => Reflect.apply(guard, undefined, [verifier, demanded]), TypeError, JSON.stringify(demanded));
  }
});
